/** The benchmark's Azure: the simulator's TLS and tokens, and an upload that is kept as it came and answered. What was in it is looked
 *  at afterwards, so that it costs little of the machine it shares: until then the length that gzip ends with (RFC 1952, ISIZE) tells
 *  when all is there. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { Entra } from '../../packages/simulator/src/azure/entra.ts'
import { startTlsServer } from '../../packages/simulator/src/azure/tls/server.ts'
import { type Line, send } from '../../packages/simulator/src/azure/wire.ts'
import { benchRule } from './sentinel-rows.ts'

/** One run: how long an upload takes Azure, and what all rows have in bytes (`rawSum`). */
export interface SinkRun {
  readonly answerMs: number
  readonly rawSum: number
}

export interface SinkTally {
  readonly requests: number
  readonly wireBytesMax: number
  readonly rawBytesMax: number
  readonly rows: number
  /** Of the rows in their order by text: the same rows have the same. */
  readonly digest: string
}

const entra = new Entra({ applications: [benchRule.application], tokenSeconds: 3_599, nowMs: Date.now })
/** Between two runs clients warm up. */
const warmUp: SinkRun = { answerMs: 0, rawSum: Number.POSITIVE_INFINITY }
let run = warmUp
let bodies: Buffer[] = []
let rawBytes = 0

const server = await startTlsServer({ host: '127.0.0.1', port: 0, names: [], authority: undefined, handle })
process.on('message', (message: SinkRun | 'tally') => {
  if (message === 'tally') {
    process.send?.(tally())
    run = warmUp
    return
  }
  run = message
  bodies = []
  rawBytes = 0
  process.send?.('ready')
})
process.send?.({ endpoint: server.origin, ca: server.caCert })

async function handle(request: IncomingMessage, line: Line): Promise<void> {
  const body = await read(request)
  const path = request.url ?? ''
  if (path.startsWith('/dataCollectionRules/')) return await upload(body, line)
  const [, tenantId = '', ...rest] = path.split('/')
  const origin = `https://${request.headers.host ?? ''}`
  const answer =
    rest.at(-1) === 'openid-configuration'
      ? entra.openidConfiguration(tenantId, origin)
      : entra.issue(tenantId, Object.fromEntries(new URLSearchParams(body.toString())))
  await send(line, answer, undefined)
}

async function upload(body: Buffer, line: Line): Promise<void> {
  if (run.answerMs > 0) await sleep(run.answerMs)
  bodies.push(body)
  rawBytes += body.readUInt32LE(body.length - 4)
  line.response.writeHead(204, { 'x-ms-request-id': 'bench' }).end()
  if (rawBytes - bodies.length >= run.rawSum) process.send?.({ doneMs: Date.now() })
}

function tally(): SinkTally {
  const raw = bodies.map((body) => gunzipSync(body))
  const rows = raw.flatMap((one) => (JSON.parse(one.toString('utf8')) as unknown[]).map((row) => JSON.stringify(row)))
  const hash = createHash('sha256')
  for (const row of rows.toSorted()) hash.update(`${row}\n`)
  return {
    requests: bodies.length,
    wireBytesMax: Math.max(...bodies.map(({ length }) => length)),
    rawBytesMax: Math.max(...raw.map(({ length }) => length)),
    rows: rows.length,
    digest: hash.digest('hex'),
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  await once(request, 'end')
  return Buffer.concat(pieces)
}
