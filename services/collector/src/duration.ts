/** Durations of the configuration, ISO 8601 as in `P2D` or `PT24H`. Weeks to seconds only: months and years have no length. */
import { z } from 'zod'

const pattern = /^P(?!$)(?:(\d+)W)?(?:(\d+)D)?(?:T(?!$)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/
const unitsMs = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000] as const

/** Milliseconds, or undefined when the text is no such duration. */
export function parseDuration(text: string): number | undefined {
  const parts = pattern.exec(text)
  if (parts === null) return undefined
  return unitsMs.reduce((sum, unitMs, i) => sum + Number(parts[i + 1] ?? 0) * unitMs, 0)
}

/** A setting like `PT24H`; the configuration keeps the text, `durationMs` gives its length. */
export function durationSetting(byDefault: string, description: string, maxDays: number) {
  return z
    .string()
    .refine((text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= maxDays * 86_400_000, {
      error: `must be a duration like P2D or PT12H (weeks, days, hours, minutes, seconds) of at most ${maxDays} days`,
    })
    .default(byDefault)
    .meta({ description })
}

/** @param text passed its schema. */
export function durationMs(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new RangeError(`${text} is no duration`)
  return ms
}
