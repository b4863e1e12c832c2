/** The relay on a real Kafka that shares the machine's cores: (1) raw topic → formatter → out topic → sender → TCP, (2) source pages in
 *  to TCP out. Everything durable on the broker, committed after delivery, confirmed by the receiver. */
import { execFileSync } from 'node:child_process'
import { openKafkaBus } from '@siem-relay/bus'
import { rawHeaders, rawTopic } from '@siem-relay/common'
import { kafkaOptions } from '../support/kafka-bus.ts'
import { type KafkaCluster, startKafkaCluster } from '../support/kafka-cluster.ts'
import { cpuSeconds, residentBytes, startRelayProcess } from '../support/process.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { parseCost } from './parse-cost.ts'
import { startPeer } from './peer.ts'
import { benchRecords } from './records.ts'

const recordCount = 100_000
const legacyToken = 'b'.repeat(64)
const batch = 1_000

export async function benchKafka(): Promise<void> {
  const parseMicros = parseCost()
  const name = `siem-relay-bench-${process.pid}`
  await using cluster = await startKafkaCluster(1, name)
  const broker = brokerPid(`${name}-1`)
  await fill(cluster, 'one.')
  await measure('(1) raw topic → formatter → out topic → sender → TCP', parseMicros, broker, {
    bus: busOf(cluster, 'one.'),
    // The records are there already; nobody asks this source.
    sources: [sourceOf('http://127.0.0.1:9')],
    services: ['formatter', 'syslog-sender'],
  })
  const source = await startPeer<{ url: string }>('source-peer.ts', { count: recordCount, legacyToken })
  try {
    await measure('(2) source pages in to TCP out', parseMicros, broker, {
      bus: busOf(cluster, 'two.'),
      sources: [sourceOf(source.ready.url)],
      services: [],
    })
  } finally {
    source.kill()
  }
}

interface Path {
  readonly bus: object
  readonly sources: readonly object[]
  readonly services: readonly string[]
}

async function measure(
  name: string,
  parseMicros: number,
  broker: number,
  { bus, sources, services }: Path,
): Promise<void> {
  using directory = temporaryDirectory()
  const receiver = await startPeer<{ port: number }>('receiver-peer.ts', { count: recordCount })
  try {
    const done = receiver.next<{ firstMs: number; lastMs: number; messages: number }>()
    const syslog = { host: '127.0.0.1', port: receiver.ready.port, protocol: 'tcp', framing: 'octet-counting' }
    const config = { bus, sources, agents: [{ id: 'siem', syslog }] }
    const relay = await startRelayProcess(directory.path, config, {}, services)
    const before = { relay: await cpuSeconds(relay.pid), broker: await cpuSeconds(broker), ms: Date.now() }
    const { lastMs, messages } = await done
    const seconds = (lastMs - before.ms) / 1_000
    const micros = (cpu: number): number => (cpu / messages) * 1e6
    const relayMicros = micros((await cpuSeconds(relay.pid)) - before.relay)
    const brokerMicros = micros((await cpuSeconds(broker)) - before.broker)
    const resident = await residentBytes(relay.pid)
    await relay.kill('SIGTERM')
    process.stdout.write(
      [
        `Kafka path ${name}, ${messages.toLocaleString('en')} activities`,
        `  ${Math.round(messages / seconds).toLocaleString('en')} records/s over ${seconds.toFixed(1)} s`,
        `  ${relayMicros.toFixed(1)} CPU µs per record in the relay: ${(relayMicros / parseMicros).toFixed(1)} × JSON.parse alone; ${brokerMicros.toFixed(1)} in the broker`,
        `  ${Math.round(resident / 1_048_576)} MB resident at the end`,
        '',
      ].join('\n'),
    )
  } finally {
    receiver.kill()
  }
}

const busOf = (cluster: KafkaCluster, prefix: string): object => ({
  type: 'kafka',
  brokers: cluster.addresses,
  prefix,
  replication: 1,
  minInsyncReplicas: 1,
})

const sourceOf = (url: string): object => ({
  id: 'contoso',
  type: 'defender-for-cloud-apps',
  url,
  auth: { type: 'token', token: legacyToken },
  collect: { alerts: false, activities: true },
  lookback: 'P11000D',
  requestsPerMinute: 100_000,
  pollSeconds: 1,
})

/** Puts the records into the raw topic, as the collector would. */
async function fill(cluster: KafkaCluster, prefix: string): Promise<void> {
  await using bus = await openKafkaBus(kafkaOptions(cluster.addresses, prefix))
  const topic = rawTopic('contoso', 'activities')
  await bus.ensureTopics([topic])
  await using writer = await bus.writer('bench')
  const headers = {
    [rawHeaders.source]: 'contoso',
    [rawHeaders.tenant]: 'contoso',
    [rawHeaders.kind]: 'activities',
    [rawHeaders.receivedMs]: String(Date.now()),
    [rawHeaders.portalUrl]: 'https://contoso.portal.cloudappsecurity.com',
  }
  const records = benchRecords('activity', recordCount)
  for (let start = 0; start < recordCount; start += batch)
    await writer.commit({
      records: records.slice(start, start + batch).map((value) => ({
        topic: topic.name,
        key: (JSON.parse(value.toString('utf8')) as { _id: string })._id,
        value,
        headers,
      })),
    })
}

function brokerPid(container: string): number {
  return Number(execFileSync('docker', ['inspect', '-f', '{{.State.Pid}}', container], { encoding: 'utf8' }))
}
