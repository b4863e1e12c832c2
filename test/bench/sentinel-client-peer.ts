/** The relay's client alone, for what Microsoft's does: rows that are there become requests. Packing, gzip and requests are the
 *  sender's; the log, the check of each row and its acknowledgement are left out. */
import type { Acknowledger, BusRecord } from '@siem-relay/bus'
import { createDispatchers } from '@siem-relay/http'
import { systemClock } from '@siem-relay/service-kit'
import { upload } from '../../services/sentinel-sender/src/client.ts'
import type { Entry, Feed } from '../../services/sentinel-sender/src/entry.ts'
import { RuleGate } from '../../services/sentinel-sender/src/rule-gate.ts'
import { StreamLoop } from '../../services/sentinel-sender/src/stream-loop.ts'
import { benchAgent, benchRule, type RowKind, readRows } from './sentinel-rows.ts'

interface Options {
  readonly kind: RowKind
  readonly rowsFile: string
  readonly warmUp: number
  readonly sentinel: { readonly endpoint: string; readonly caFile: string; readonly packing: 'raw' | 'wire' }
}

const { kind, rowsFile, warmUp, sentinel } = JSON.parse(process.argv[2] ?? '{}') as Options
const { endpoint, caFile } = sentinel
const settings = benchAgent('bench', sentinel).sentinel
if (settings === undefined) throw new TypeError('the agent has no sentinel')
const dispatchers = createDispatchers({ caFile, env: {}, connections: settings.concurrency })
const none: Acknowledger = { acknowledge() {}, deadLetter() {} }
const rows = readRows(rowsFile)

await uploadAll(rows.slice(0, warmUp))
process.on('message', async () => {
  process.send?.({ startMs: Date.now(), cpu: process.cpuUsage() })
  await uploadAll(rows)
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() })
})
process.send?.('ready')

async function uploadAll(texts: readonly string[]): Promise<void> {
  const closing = new AbortController()
  const allStored = Promise.withResolvers<void>()
  let left = texts.length
  const fail = (error: Error): void => allStored.reject(error)
  const loop = new StreamLoop({
    kind,
    settings: settings as NonNullable<typeof settings>,
    clock: systemClock,
    ports: {
      clock: systemClock,
      random: Math.random,
      gate: new RuleGate(systemClock, Math.random),
      signal: closing.signal,
      send: async ({ body }) => ({
        token: 'bench',
        ...(await upload({
          dispatcher: dispatchers.to(new URL(endpoint)),
          clock: systemClock,
          endpoint,
          ruleId: benchRule.ruleId,
          stream: benchRule.streams[kind],
          token: 'bench',
          body,
          timeoutMs: 60_000,
          userAgent: 'siem-relay',
          signal: closing.signal,
        })),
      }),
      tokenRefused: () => fail(new Error('the token was refused')),
      stored: ({ entries }) => {
        left -= entries.length
        if (left === 0) allStored.resolve()
      },
      deadLetter: (_, error) => fail(error),
      trouble: (error) => fail(error),
    },
  })
  const feed: Feed = { acknowledger: none, revoked: false, line: [] }
  for (const [place, text] of texts.entries()) loop.queue.push(entryOf(feed, Buffer.from(text), place))
  loop.drain()
  const running = loop.run()
  await Promise.race([allStored.promise, running])
  closing.abort()
  await running.catch(() => undefined)
}

function entryOf(feed: Feed, row: Buffer, place: number): Entry {
  const record: BusRecord = {
    topic: 'out.bench',
    partition: 0,
    offset: place,
    key: '',
    value: row,
    headers: {},
    appendedMs: 0,
  }
  return { feed, record, kind, row, place, wasSent: false, isDone: false }
}
