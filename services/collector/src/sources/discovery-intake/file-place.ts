/** How far a file was read, as it lies in the state topic: committed together with the rows before it. */
import type { Stats } from 'node:fs'
import type { State, StateChange } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'

const count = z.int().min(0)
const placeSchema = z.object({
  name: z.string(),
  /** Another file of the same name, or this one with something added, begins anew. */
  identity: z.string(),
  /** Rows passed, good and bad. */
  rows: count,
  accepted: count,
  repeated: count,
  rejected: count,
  /** Where the rejected rows are listed, and how long that file was. */
  list: z.object({ name: z.string(), bytes: count }).exactOptional(),
})

export type FilePlace = z.output<typeof placeSchema>

const key = 'file/discovery'

export function identityOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino}/${size}/${mtimeMs}`
}

export function beginningOf(name: string, identity: string): FilePlace {
  return { name, identity, rows: 0, accepted: 0, repeated: 0, rejected: 0 }
}

/** @param place undefined forgets it. */
export function placeChange(place: FilePlace | undefined): StateChange {
  return { key, value: place === undefined ? null : Buffer.from(JSON.stringify(place)) }
}

/** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop: rows before it would be taken twice. */
export function decodePlace(state: State): FilePlace | undefined {
  const value = state.get(key)
  if (value === undefined) return undefined
  try {
    return placeSchema.parse(JSON.parse(value.toString()))
  } catch (cause) {
    throw new RelayError(
      'RELAY_LOG_CORRUPT',
      'the place in the file under way is not readable; stopped, since going on would lose it',
      {
        disposition: 'stop',
        cause,
      },
    )
  }
}
