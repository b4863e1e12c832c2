/** Messages of the window to RELP frames: many in one buffer, for one write. Pure. */
import { nextTxnr, relpFrameBytes, writeRelpHeader } from '@siem-relay/common'
import { messagesIn, type Segment } from '../../segment.ts'

/** Messages `from` up to, not with, `to` of a segment. */
export interface Part {
  readonly segment: Segment
  readonly from: number
  readonly to: number
}

const command = 'syslog'
const lineFeed = 10

/** One `syslog` frame a message, in order, numbered from `firstTxnr` on. */
export function encodeSyslogFrames(
  parts: readonly Part[],
  firstTxnr: number,
): { readonly bytes: Buffer; readonly nextTxnr: number } {
  const bytes = Buffer.allocUnsafeSlow(framesBytes(parts, firstTxnr))
  let txnr = firstTxnr
  let at = 0
  for (const { segment, from, to } of parts)
    for (let index = from; index < to; index++) {
      const start = index === 0 ? 0 : (segment.ends[index - 1] ?? 0)
      const end = segment.ends[index] ?? start
      at = writeRelpHeader(bytes, at, txnr, command, end - start)
      at += segment.bytes.copy(bytes, at, start, end)
      bytes[at++] = lineFeed
      txnr = nextTxnr(txnr)
    }
  return { bytes: bytes.subarray(0, at), nextTxnr: txnr }
}

/** At least what the frames take: every number as long as the longest. */
function framesBytes(parts: readonly Part[], firstTxnr: number): number {
  let messages = 0
  let data = 0
  for (const { segment, from, to } of parts) {
    messages += to - from
    data += messagesIn(segment, from, to).length
  }
  const txnr = Math.max(firstTxnr + messages, 1_000_000)
  return data + messages * (relpFrameBytes(txnr, command, data) - data)
}
