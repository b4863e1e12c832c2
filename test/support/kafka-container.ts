/** Apache Kafka in a container, as one broker or several, on ports of its own. Testcontainers' Kafka module knows Confluent's images only. */
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'

export const kafkaImage = 'apache/kafka:4.3.1'
const starter = '/tmp/start-kafka.sh'
const clientPort = 9092
const startMsMax = 120_000

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
  const { container, address } = await startKafka(
    more,
    [],
    (mapped) => `PLAINTEXT://${mapped(clientPort)},BROKER://localhost:9094`,
  )
  return { address, container, [Symbol.asyncDispose]: async () => void (await container.stop()) }
}

/** @param advertise the listeners by the addresses their ports are reached at. */
async function startKafka(
  more: Readonly<Record<string, string>>,
  ports: readonly number[],
  advertise: (mapped: (port: number) => string) => string,
  files: readonly { readonly content: string; readonly target: string; readonly mode: number }[] = [],
): Promise<{ readonly container: StartedTestContainer; readonly address: string }> {
  const container = await new GenericContainer(kafkaImage)
    .withExposedPorts(clientPort, ...ports)
    .withEnvironment({ ...settings, ...more })
    .withEntrypoint(['sh', '-c', `while [ ! -f ${starter} ]; do sleep 0.1; done; exec sh ${starter}`])
    .withCommand([])
    .withCopyContentToContainer([...files])
    .withWaitStrategy(Wait.forSuccessfulCommand('true'))
    .start()
  const mapped = (port: number): string => `${container.getHost()}:${container.getMappedPort(port)}`
  const logs = await container.logs()
  const started = lineSaid(logs, 'Kafka Server started')
  const script = `export KAFKA_ADVERTISED_LISTENERS=${advertise(mapped)}\nexec /etc/kafka/docker/run\n`
  await container.copyContentToContainer([{ content: script, target: starter, mode: 0o755 }])
  await started
  return { container, address: mapped(clientPort) }
}

/** Resolves once the container has said it. The timer bounds the wait, and is what keeps a process alive that waits for nothing else. */
function lineSaid(logs: NodeJS.ReadableStream, text: string): Promise<void> {
  const said: string[] = []
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`Kafka did not start:\n${said.slice(-20).join('')}`))
    const timer = setTimeout(fail, startMsMax)
    logs.on('data', (line: string | Buffer) => {
      said.push(String(line))
      if (!String(line).includes(text)) return
      clearTimeout(timer)
      resolve()
    })
    logs.on('end', () => {
      clearTimeout(timer)
      fail()
    })
  })
}

/** A broker with a listener that asks for TLS and SASL, and with rights. */
export interface SecureKafka extends KafkaContainer {
  /** A listener without either, whose users may do everything. */
  readonly openAddress: string
  addScramUser(name: string, password: string): Promise<void>
}

const openPort = 9095

/** @param serverPem the server's key (PKCS #8) and certificate. */
export async function startSecureKafka(serverPem: string): Promise<SecureKafka> {
  const secrets = '/tmp/server.pem'
  const login = 'org.apache.kafka.common.security'
  const { container, address } = await startKafka(
    {
      KAFKA_LISTENERS: `SECURE://:${clientPort},OPEN://:${openPort},BROKER://:9094,CONTROLLER://:9093`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,BROKER:PLAINTEXT,OPEN:PLAINTEXT,SECURE:SASL_SSL',
      KAFKA_SSL_KEYSTORE_TYPE: 'PEM',
      KAFKA_SSL_KEYSTORE_LOCATION: secrets,
      KAFKA_SSL_CLIENT_AUTH: 'none',
      KAFKA_SASL_ENABLED_MECHANISMS: 'PLAIN,SCRAM-SHA-512,OAUTHBEARER',
      KAFKA_LISTENER_NAME_SECURE_SCRAM___SHA___512_SASL_JAAS_CONFIG: `${login}.scram.ScramLoginModule required;`,
      KAFKA_LISTENER_NAME_SECURE_PLAIN_SASL_JAAS_CONFIG: `${login}.plain.PlainLoginModule required user_relay="relay-plain";`,
      KAFKA_LISTENER_NAME_SECURE_OAUTHBEARER_SASL_JAAS_CONFIG: `${login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      KAFKA_AUTHORIZER_CLASS_NAME: 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      KAFKA_SUPER_USERS: 'User:ANONYMOUS',
    },
    [openPort],
    (mapped) => `SECURE://${mapped(clientPort)},OPEN://${mapped(openPort)},BROKER://localhost:9094`,
    [{ content: serverPem, target: secrets, mode: 0o644 }],
  )
  return {
    address,
    container,
    openAddress: `${container.getHost()}:${container.getMappedPort(openPort)}`,
    addScramUser: async (name, password) => {
      const tool = '/opt/kafka/bin/kafka-configs.sh'
      const change = ['--alter', '--add-config', `SCRAM-SHA-512=[password=${password}]`]
      const on = ['--bootstrap-server', 'localhost:9094', '--entity-type', 'users', '--entity-name', name]
      const { exitCode, output } = await container.exec([tool, ...on, ...change])
      if (exitCode !== 0) throw new Error(`no user ${name}: ${output}`)
    },
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  }
}
