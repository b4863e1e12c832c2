/** The stream's state as it lies in the state topic: JSON under `cursor/alerts`, beside the seen ids under `seen/alerts/…`. */
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'
import type { StreamState } from './ranges.ts'
import { normalTime } from './time.ts'

const time = z.string().refine((text) => normalTime(text) === text)
/** Unknown keys are dropped, so that an older version reads what a newer one wrote. */
const stateSchema = z.object({
  floor: time.exactOptional(),
  cursor: time.exactOptional(),
  watermarkMs: z.number().exactOptional(),
  unread: z
    .array(z.object({ from: time, to: time, sinceMs: z.number(), tries: z.int(), retryAtMs: z.number() }))
    .exactOptional(),
})

export const cursorKey = 'cursor/alerts'
export const seenPrefix = 'seen/alerts/'

export function encodeState(state: StreamState): Buffer {
  return Buffer.from(JSON.stringify(state))
}

/** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop: a cursor that cannot be read must not become a first start. */
export function decodeState(value: Buffer | undefined): StreamState {
  if (value === undefined) return {}
  try {
    return stateSchema.parse(JSON.parse(value.toString()))
  } catch (cause) {
    throw new RelayError(
      'RELAY_LOG_CORRUPT',
      'the cursor of alerts is not readable; stopped, since going on would lose its place',
      { disposition: 'stop', cause },
    )
  }
}
