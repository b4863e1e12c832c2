/** Which framing a sender uses, told from the first bytes of its connection (RFC 6587 §3.4). Pure. */
import type { Framing } from '@siem-relay/common'

const space = 32
const zero = 48
const lengthDigitsMax = 9

/**
 * `MSG-LEN SP` at the start is octet counting, anything else lines. A line that starts with a number and a space is taken for
 * octet counting, as receivers usually do: PRI (`<34>`) in front avoids it.
 * @returns undefined while the bytes could become either.
 */
export function framingOfStart(bytes: Uint8Array): Framing | undefined {
  for (let position = 0; position <= lengthDigitsMax; position++) {
    const byte = bytes[position]
    if (byte === undefined) return undefined
    if (byte === space && position > 0) return 'octet-counting'
    const isDigit = byte >= zero && byte <= zero + 9 && !(byte === zero && position === 0)
    if (!isDigit) return 'lf'
  }
  return 'lf'
}
