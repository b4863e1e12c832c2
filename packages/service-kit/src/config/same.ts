/** Whether two configurations mean the same: what decides if something has to be started anew. */
import { isDeepStrictEqual } from 'node:util'
import { Secret } from './secret.ts'

/** Compares values as loaded; secrets by their text; a setting that is undefined counts as absent. */
export function isSameConfig(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(revealed(left), revealed(right))
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return { secret: value.reveal() }
  if (Array.isArray(value)) return value.map(revealed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .map(([key, child]) => [key, revealed(child)]),
  )
}
