/** Apache Kafka in a container, as one broker or several, on ports of its own. Testcontainers' Kafka module knows Confluent's images only. */
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'

export const kafkaImage = 'apache/kafka:4.3.1'
const starter = '/tmp/start-kafka.sh'
const clientPort = 9092

export interface KafkaContainer extends AsyncDisposable {
  /** `host:port` for clients on this machine. */
  readonly address: string
  readonly container: StartedTestContainer
}

const settings: Readonly<Record<string, string>> = {
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  // The broker writes to itself too, where the mapped port means nothing.
  KAFKA_LISTENERS: `PLAINTEXT://:${clientPort},BROKER://:9094,CONTROLLER://:9093`,
  KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_MIN_INSYNC_REPLICAS: '1',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  KAFKA_HEAP_OPTS: '-Xmx768m',
}

/**
 * One broker that is its own controller. It advertises the port Docker gave it, which is known only once the container runs: so the
 * container waits for its start script.
 */
export async function startKafkaContainer(more: Readonly<Record<string, string>> = {}): Promise<KafkaContainer> {
  const container = await new GenericContainer(kafkaImage)
    .withExposedPorts(clientPort)
    .withEnvironment({ ...settings, ...more })
    .withEntrypoint(['sh', '-c', `while [ ! -f ${starter} ]; do sleep 0.1; done; exec sh ${starter}`])
    .withCommand([])
    .withWaitStrategy(Wait.forSuccessfulCommand('true'))
    .start()
  const address = `${container.getHost()}:${container.getMappedPort(clientPort)}`
  const logs = await container.logs()
  const started = new Promise<void>((resolve) => {
    logs.on('data', (line: string | Buffer) => {
      if (String(line).includes('Kafka Server started')) resolve()
    })
  })
  const script = `export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://${address},BROKER://localhost:9094\nexec /etc/kafka/docker/run\n`
  await container.copyContentToContainer([{ content: script, target: starter, mode: 0o755 }])
  await started
  return { address, container, [Symbol.asyncDispose]: async () => void (await container.stop()) }
}
