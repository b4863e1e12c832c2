/** The sentinel-sender beside Microsoft's own client, `@azure/monitor-ingestion`, with the same rows in one run: each in a process of its
 *  own, over TLS to one Azure, gzip on for both. What both lose when something goes wrong is sentinel-loss.ts. */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { systemClock } from '@siem-relay/service-kit'
import { temporaryDirectory } from '../support/relay.ts'
import { type Peer, startPeer } from './peer.ts'
import { median } from './records.ts'
import { benchRows, benchRule, fillTopic, type RowKind, rawSum } from './sentinel-rows.ts'
import type { SinkTally } from './sentinel-sink-peer.ts'

const rowCount = 100_000
const warmUpCount = 20_000
const rounds = 3
/** How long Azure takes for a request: no time, which shows the work alone, and one it may take in life. */
const answersMs = [0, 100]

type Sink = Peer<{ readonly endpoint: string; readonly ca: string }>

interface Result {
  readonly rowsPerSecond: number
  readonly cpuMicros: number
  readonly rss: number
  readonly tally: SinkTally
}

/** A process that delivers the rows once it is told to. */
interface Client {
  readonly peer: Peer<unknown>
  end(): void
}

export async function benchSentinel(): Promise<void> {
  const sink: Sink = await startPeer('sentinel-sink-peer.ts', {})
  try {
    for (const kind of ['activity', 'discovery'] as const) await compare(kind, sink)
  } finally {
    sink.kill()
  }
}

async function compare(kind: RowKind, sink: Sink): Promise<void> {
  using directory = temporaryDirectory()
  const rows = benchRows(kind, rowCount, Date.now() - 3_600_000)
  const sum = rawSum(rows)
  const clients = await clientsFor(kind, rows, sink, directory.path)
  for (const answerMs of answersMs) {
    const results = new Map<string, Result[]>(Object.keys(clients).map((name) => [name, []]))
    for (let round = 0; round < rounds; round++)
      for (const [name, start] of Object.entries(clients))
        results.get(name)?.push(await measure(await start(), sink, { answerMs, rawSum: sum }))
    const kept = new Set([...results.values()].flat().map(({ tally }) => `${tally.rows} ${tally.digest}`))
    if (kept.size !== 1 || ![...kept][0]?.startsWith(`${rowCount} `))
      throw new Error(`Azure did not get the same rows from all: ${[...kept].join(', ')}`)
    const title = `${rowCount.toLocaleString('en')} rows of ${Math.round(sum / rowCount) - 1} bytes (${kind}) to Sentinel`
    print(`${title}, Azure takes ${answerMs} ms for a request, median of ${rounds} rounds`, results)
  }
}

async function clientsFor(
  kind: RowKind,
  rows: readonly string[],
  sink: Sink,
  directory: string,
): Promise<Readonly<Record<string, () => Promise<Client>>>> {
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const { endpoint, ca } = sink.ready
  const { tenantId, clientId, clientSecret } = benchRule.application
  const sentinel = {
    endpoint,
    authorityHost: endpoint,
    caFile: file('ca.pem', ca),
    auth: { type: 'client-secret', tenantId, clientId, clientSecretFile: file('secret', clientSecret) },
    // The last request is not full; how long it waits for more is no speed.
    lingerSeconds: 0.1,
  }
  const given = { kind, rowsFile: file('rows.ndjson', rows.join('\n')), warmUp: warmUpCount }
  const log = join(directory, 'log')
  await fill(log, kind, rows)
  const alone = async (packing: string): Promise<Client> =>
    clientOf(await startPeer('sentinel-client-peer.ts', { ...given, sentinel: { ...sentinel, packing } }))
  return {
    'Microsoft’s client': async () => clientOf(await startPeer('sentinel-sdk-peer.ts', { ...given, endpoint, ca })),
    'our client alone, raw': () => alone('raw'),
    'our client alone, wire': () => alone('wire'),
    'the whole sender, raw': () => startSender(log, { ...sentinel, packing: 'raw' }),
    'the whole sender, wire': () => startSender(log, { ...sentinel, packing: 'wire' }),
  }
}

/** On a copy of the log: each round delivers everything. */
async function startSender(log: string, sentinel: object): Promise<Client> {
  const directory = temporaryDirectory()
  const path = join(directory.path, 'log')
  cpSync(log, path, { recursive: true })
  return clientOf(await startPeer('sentinel-relay-peer.ts', { path, sentinel }), directory)
}

function clientOf(peer: Peer<unknown>, directory?: Disposable): Client {
  return {
    peer,
    end: () => {
      peer.kill()
      directory?.[Symbol.dispose]()
    },
  }
}

/** A log with rows for the agents of sentinel-relay-peer.ts. */
async function fill(path: string, kind: RowKind, rows: readonly string[]): Promise<void> {
  await using bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 0 })
  await fillTopic(bus, 'warm-up', kind, rows.slice(0, warmUpCount))
  await fillTopic(bus, 'bench', kind, rows)
}

async function measure(
  { peer, end }: Client,
  sink: Sink,
  run: { readonly answerMs: number; readonly rawSum: number },
): Promise<Result> {
  try {
    const ready = sink.next<'ready'>()
    sink.send(run)
    await ready
    const started = peer.next<{ startMs: number; cpu: NodeJS.CpuUsage }>()
    const done = sink.next<{ doneMs: number }>()
    peer.send('go')
    const { startMs, cpu } = await started
    const after = await peer.next<{ cpu: NodeJS.CpuUsage; rss: number }>()
    const { doneMs } = await done
    const tally = sink.next<SinkTally>()
    sink.send('tally')
    return {
      rowsPerSecond: (rowCount / (doneMs - startMs)) * 1_000,
      cpuMicros: (after.cpu.user + after.cpu.system - cpu.user - cpu.system) / rowCount,
      rss: after.rss,
      tally: await tally,
    }
  } finally {
    end()
  }
}

function print(title: string, results: ReadonlyMap<string, readonly Result[]>): void {
  const [own = []] = results.values()
  const lines = [...results].map(([name, runs]) => {
    const middle = (of: (run: Result) => number): number => median(runs.map(of))
    const ratios = runs.map(({ rowsPerSecond }, round) => rowsPerSecond / (own[round]?.rowsPerSecond ?? 1))
    const [first] = runs
    if (first === undefined) return `  ${name}: not run`
    const { requests, rows, wireBytesMax, rawBytesMax } = first.tally
    const whole = (value: number): string => Math.round(value).toLocaleString('en')
    return [
      `  ${name.padEnd(22)}`,
      `${whole(middle(({ rowsPerSecond }) => rowsPerSecond))} rows/s`.padStart(14),
      `${median(ratios).toFixed(2)} × (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`.padStart(
        18,
      ),
      `${middle(({ cpuMicros }) => cpuMicros).toFixed(1)} CPU µs/row`.padStart(15),
      `${requests} requests of ${whole(rows / requests)} rows`.padStart(27),
      `≤ ${whole(rawBytesMax)} bytes, ${whole(wireBytesMax)} gzipped`,
      `${whole(middle(({ rss }) => rss) / 1_048_576)} MB`,
    ].join('  ')
  })
  process.stdout.write([title, ...lines, '', ''].join('\n'))
}
