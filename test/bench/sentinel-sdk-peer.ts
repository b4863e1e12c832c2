/** Microsoft's own client as a peer: rows as a log has them, texts, handed to `upload`, which takes objects. Everything in one call, the
 *  best it can be given; its gzip, its concurrency of 5. */
import { LogsIngestionClient } from '@azure/monitor-ingestion'
import { benchRule, type RowKind, readRows } from './sentinel-rows.ts'

interface Options {
  readonly endpoint: string
  readonly ca: string
  readonly kind: RowKind
  readonly rowsFile: string
  readonly warmUp: number
}

const { endpoint, ca, kind, rowsFile, warmUp } = JSON.parse(process.argv[2] ?? '{}') as Options
const token = { token: 'bench', expiresOnTimestamp: Date.now() + 3_600_000 }
const client = new LogsIngestionClient(endpoint, { getToken: async () => token }, { tlsOptions: { ca } })
const rows = readRows(rowsFile)
const uploadAll = (texts: readonly string[]): Promise<void> =>
  client.upload(
    benchRule.ruleId,
    benchRule.streams[kind],
    texts.map((text) => JSON.parse(text) as Record<string, unknown>),
  )

await uploadAll(rows.slice(0, warmUp))
process.on('message', async () => {
  process.send?.({ startMs: Date.now(), cpu: process.cpuUsage() })
  await uploadAll(rows)
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() })
})
process.send?.('ready')
