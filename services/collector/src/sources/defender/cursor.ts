/** A stream's cursor as it lies in the state topic: JSON under `cursor/<kind>`, beside the seen ids under `seen/<kind>/…`. */
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'
import { gapsSchema } from '../gaps.ts'
import type { StreamKind } from './paging.ts'
import type { StreamState } from './sweep.ts'

const ms = z.number()
const sweepSchema = z.object({
  name: z.enum(['poll', 'wide', 'deep']),
  position: z.object({
    boundMs: ms,
    skip: z.int().min(0),
    scan: z.record(z.string(), z.unknown()).exactOptional(),
  }),
  targetMs: ms.exactOptional(),
})
/** Unknown keys are dropped, so that an older version reads what a newer one wrote: what is new gets a key of its own, never
 *  another value under one that older versions know. */
const cursorSchema = z.object({
  floorMs: ms.exactOptional(),
  watermarkMs: ms.exactOptional(),
  poll: sweepSchema.exactOptional(),
  back: sweepSchema.exactOptional(),
  wideAtMs: ms.exactOptional(),
  deepAtMs: ms.exactOptional(),
  askedMs: ms.exactOptional(),
  gaps: gapsSchema.exactOptional(),
  reread: sweepSchema.extend({ name: z.literal('reread') }).exactOptional(),
})

export const cursorKey = (kind: StreamKind): string => `cursor/${kind}`
export const seenPrefix = (kind: StreamKind): string => `seen/${kind}/`

export function encodeCursor(state: StreamState): Buffer {
  return Buffer.from(JSON.stringify(state))
}

/** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop: a cursor that cannot be read must not become a first start. */
export function decodeCursor(kind: StreamKind, value: Buffer | undefined): StreamState {
  if (value === undefined) return {}
  try {
    return cursorSchema.parse(JSON.parse(value.toString()))
  } catch (cause) {
    throw new RelayError(
      'RELAY_LOG_CORRUPT',
      `the cursor of ${kind} is not readable; stopped, since going on would lose its place`,
      {
        disposition: 'stop',
        cause,
      },
    )
  }
}
