/** Puts an answer on the socket: plainly, or in one of the ways networks and proxies break one.
 *  Which fault is due is decided elsewhere; here are only bytes. */

import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gzipSync } from 'node:zlib'
import type { WireFault } from '../faults/fault.ts'
import { type Answer, pageStart } from './answer.ts'

const dripEveryMsDefault = 50
const hugeBytesDefault = 100_000_000
const paddingBytes = 65_536

/** Sends `answer` over `response` as `fault` says; returns at once, the rest happens as the socket allows. */
export function deliverBroken(response: ServerResponse, answer: Answer, fault: WireFault): void {
  const { body } = answer
  const start = (headers: Readonly<Record<string, string | number>>): ServerResponse =>
    response.writeHead(answer.status, { ...answer.headers, ...headers })
  // A client that leaves early is what most of these faults are for.
  response.on('error', () => response.destroy())

  switch (fault.type) {
    case 'truncate': {
      const cut = body.subarray(0, cutInsideRecord(answer))
      start({ 'content-length': fault.contentLength === 'correct' ? cut.length : body.length })
      if (fault.contentLength === 'correct') response.end(cut)
      else response.write(cut, () => response.destroy())
      return
    }
    case 'reset':
      start({ 'content-length': body.length })
      response.write(body.subarray(0, cutInsideRecord(answer)), () => response.socket?.resetAndDestroy())
      return
    case 'hang':
      if (fault.after === 'headers') start({ 'content-length': body.length }).flushHeaders()
      return
    case 'drip':
      start({ 'content-length': body.length })
      drip(response, body, fault.everyMs ?? dripEveryMsDefault)
      return
    case 'gzip': {
      const packed = gzipSync(body)
      start({ 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed)
      return
    }
    case 'huge':
      start(fault.isGzip ? { 'content-encoding': 'gzip' } : {})
      void sendPadded(response, fault.bytes ?? hugeBytesDefault, fault.isGzip ?? false)
      return
    case 'wrong-charset': {
      const bytes = Buffer.from(body.toString(), fault.encoding)
      const charset = fault.encoding === 'latin1' ? 'iso-8859-1' : 'utf-16le'
      start({ 'content-type': `application/json; charset=${charset}`, 'content-length': bytes.length }).end(bytes)
      return
    }
    default:
      fault satisfies never
  }
}

/** A place in the middle of the middle record, in bytes; of the body, when it has no records. */
function cutInsideRecord(answer: Answer): number {
  const records = answer.page?.records ?? []
  const middle = Math.floor(records.length / 2)
  const record = records[middle]
  if (record === undefined) return Math.floor(answer.body.length / 2)
  const before = records
    .slice(0, middle)
    .reduce((bytes, each) => bytes + each.length + 1, (answer.page?.start ?? pageStart).length)
  return before + Math.floor(record.length / 2)
}

function drip(response: ServerResponse, body: Buffer, everyMs: number): void {
  let position = 0
  const timer = setInterval(() => {
    response.write(body.subarray(position, position + 1))
    position += 1
    if (position < body.length) return
    clearInterval(timer)
    response.end()
  }, everyMs)
  response.on('close', () => clearInterval(timer))
}

/** Valid JSON of an empty page, with so many spaces in it; made as the client reads, never held. */
async function sendPadded(response: ServerResponse, bytes: number, isGzip: boolean): Promise<void> {
  function* pieces(): Generator<Buffer> {
    yield pageStart
    const padding = Buffer.alloc(paddingBytes, ' ')
    for (let left = bytes; left > 0; left -= paddingBytes) yield padding.subarray(0, Math.min(left, paddingBytes))
    yield Buffer.from('],"hasNext":false,"total":0,"max":100,"moreThanTotal":false}')
  }
  try {
    const source = Readable.from(pieces())
    if (isGzip) await pipeline(source, createGzip(), response)
    else await pipeline(source, response)
  } catch {
    // The client stopped reading, as it should.
    response.destroy()
  }
}
