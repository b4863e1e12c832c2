/** Brokers for fault runs: one or three, on host ports that stay the same when a broker is killed and started again. */
import { execFile, execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaImage } from './kafka-container.ts'

const run = promisify(execFile)
const startMsMax = 90_000

export interface KafkaCluster extends AsyncDisposable {
  readonly addresses: readonly string[]
  /** kill -9 of a broker. */
  kill(broker: number): Promise<void>
  /** Starts a killed one; returns when it answers clients. */
  start(broker: number): Promise<void>
}

/** @throws with what Docker says when it does not answer. */
export async function startKafkaCluster(
  count: 1 | 3,
  name = `siem-relay-faults-${process.pid}`,
): Promise<KafkaCluster> {
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const containers = ports.map((_, index) => `${name}-${index + 1}`)
  // Also when the process ends without having disposed of them.
  const remove = (): void => {
    execFileSync('docker', ['rm', '-f', '-v', ...containers], { stdio: 'ignore' })
    execFileSync('docker', ['network', 'rm', name], { stdio: 'ignore' })
  }
  process.once('exit', remove)
  await docker('network', 'create', name)
  const voters = containers.map((container, index) => `${index + 1}@${container}:9093`).join(',')
  for (const [index, container] of containers.entries()) {
    const settings: Readonly<Record<string, string>> = {
      CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw',
      KAFKA_NODE_ID: String(index + 1),
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,BROKER://:9094,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${ports[index]},BROKER://${container}:9094`,
      KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: voters,
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: String(count),
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: String(count),
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: count === 1 ? '1' : '2',
      KAFKA_MIN_INSYNC_REPLICAS: count === 1 ? '1' : '2',
      KAFKA_DEFAULT_REPLICATION_FACTOR: String(count),
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      // A killed broker is missed sooner, and comes back sooner.
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '4000',
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
      KAFKA_HEAP_OPTS: '-Xmx512m',
    }
    const env = Object.entries(settings).flatMap(([key, value]) => ['-e', `${key}=${value}`])
    await docker(
      'run',
      '-d',
      '--name',
      container,
      '--network',
      name,
      '-p',
      `127.0.0.1:${ports[index]}:9092`,
      ...env,
      kafkaImage,
    )
  }
  const cluster: KafkaCluster = {
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    kill: (broker) => docker('kill', '-s', 'KILL', containers[broker] as string),
    start: async (broker) => {
      await docker('start', containers[broker] as string)
      await answers(`127.0.0.1:${ports[broker]}`)
    },
    [Symbol.asyncDispose]: async () => {
      process.off('exit', remove)
      await docker('rm', '-f', '-v', ...containers)
      await docker('network', 'rm', name)
    },
  }
  for (const address of cluster.addresses) await answers(address)
  return cluster
}

async function docker(...args: readonly string[]): Promise<void> {
  await run('docker', args)
}

/** A client's first question, from outside as every client asks it. */
async function answers(address: string): Promise<void> {
  const kafka = new Kafka({
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    retry: { retries: 0 },
  })
  const untilMs = Date.now() + startMsMax
  for (;;) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      await admin.describeCluster()
      return
    } catch (error) {
      if (Date.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    } finally {
      await admin.disconnect()
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
