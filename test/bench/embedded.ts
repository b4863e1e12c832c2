/** The embedded path: pages of the API in over HTTP, lines out over TCP, every record durable twice on the way and confirmed by
 *  the receiver. Source and receiver are processes of their own, as they are in life; they share the machine's cores. */
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cpuSeconds, residentBytes, startRelayProcess } from '../support/process.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { parseCost } from './parse-cost.ts'
import { startPeer } from './peer.ts'
import { benchRecords, meanBytes } from './records.ts'

const recordCount = 100_000
const legacyToken = 'b'.repeat(64)

export async function benchEmbedded(): Promise<void> {
  const parseMicros = parseCost()
  using directory = temporaryDirectory()
  const source = await startPeer<{ url: string }>('source-peer.ts', { count: recordCount, legacyToken })
  const receiver = await startPeer<{ port: number }>('receiver-peer.ts', { count: recordCount })
  try {
    const done = receiver.next<{ firstMs: number; lastMs: number; messages: number }>()
    const startedMs = Date.now()
    const relay = await startRelayProcess(directory.path, {
      sources: [
        {
          id: 'contoso',
          type: 'defender-for-cloud-apps',
          url: source.ready.url,
          auth: { type: 'token', token: legacyToken },
          collect: { alerts: false, activities: true },
          lookback: 'P11000D',
          requestsPerMinute: 100_000,
          pollSeconds: 1,
        },
      ],
      agents: [
        {
          id: 'siem',
          syslog: { host: '127.0.0.1', port: receiver.ready.port, protocol: 'tcp', framing: 'octet-counting' },
        },
      ],
    })
    const cpuBefore = await cpuSeconds(relay.pid)
    const runningMs = Date.now()
    const { lastMs, messages } = await done
    const cpu = (await cpuSeconds(relay.pid)) - cpuBefore
    const rss = await residentBytes(relay.pid)
    await relay.kill('SIGTERM')
    const stored = globSync('**/log.db*', { cwd: directory.path })
      .map((path) => statSync(join(directory.path, path)).size)
      .reduce((sum, bytes) => sum + bytes, 0)
    const seconds = (lastMs - runningMs) / 1000
    const cpuMicros = (cpu / messages) * 1e6
    process.stdout.write(
      [
        `embedded path, ${messages.toLocaleString('en')} activities, API pages in, TCP (octet counting, checkpoint) out, SQLite log with synchronous=FULL`,
        `  ${Math.round(messages / seconds).toLocaleString('en')} records/s over ${seconds.toFixed(1)} s (start-up of ${((runningMs - startedMs) / 1000).toFixed(1)} s not counted)`,
        `  ${cpuMicros.toFixed(1)} CPU µs per record in the relay: ${(cpuMicros / parseMicros).toFixed(1)} × JSON.parse alone (${parseMicros.toFixed(2)} µs)`,
        `  ${Math.round(rss / 1_048_576)} MB resident at the end`,
        `  ${Math.round(stored / messages).toLocaleString('en')} bytes on disk per record of ${meanBytes(benchRecords('activity', 1_000))}: the record, its message, their state`,
        '',
      ].join('\n'),
    )
  } finally {
    source.kill()
    receiver.kill()
  }
}
