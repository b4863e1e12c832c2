/** Reads single values of a filter: ids, numbers, times, flags. Anything JSON can hold may be given; undefined means it is
 *  not such a value. Lists, ranges and entities are put together in wanted.ts. */
import { clip } from './problems.ts'

/** Characters (UTF-16) of one value. */
const VALUE_CHARS_MAX = 1_024

/** Where a value stands in the filter. */
export type Path = readonly (string | number)[]
/** Notes a problem; returns undefined so that a reader can report and give up in one expression. */
export type Report = (path: Path, message: string) => undefined

/** Milliseconds since the epoch; the two usual slips, ISO text and seconds, get the number that was meant. */
export function readTime(given: unknown, path: Path, report: Report): number | undefined {
  const value = readNumber(given)
  if (value === undefined) {
    return report(path, `takes milliseconds since 1970-01-01, not ${quote(given)}${millisecondsHint(given)}`)
  }
  if (value >= SECONDS_FROM && value < SECONDS_TO)
    return report(path, `takes milliseconds; ${value} looks like seconds: write ${value * 1000}`)
  return value
}

/** The number to write for an ISO date; only forms that mean the same in every time zone (RFC 3339, or a date alone). */
function millisecondsHint(given: unknown): string {
  if (typeof given !== 'string' || !/^\d{4}-\d\d-\d\d(T[\d:.]{5,20}(Z|[+-]\d\d:\d\d))?$/.test(given)) return ''
  const parsed = Date.parse(given)
  return Number.isNaN(parsed) ? '' : `; write ${parsed}`
}

/** As seconds 2001 to 2065, as milliseconds January and February 1970. */
const SECONDS_FROM = 1_000_000_000
const SECONDS_TO = 3_000_000_000

/** An id: text as it is, whole numbers as their digits, so that 11161 and "11161" are one. */
export function readId(given: unknown): string | undefined {
  if (typeof given === 'string') return given === '' || isTooLong(given) ? undefined : given
  // Beyond 2^53 a JSON number has already lost digits, and the id would be another one.
  return typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : undefined
}

export function readNumber(given: unknown): number | undefined {
  if (typeof given === 'number') return Number.isFinite(given) ? given : undefined
  return typeof given === 'string' && /^-?\d{1,15}(\.\d{1,6})?$/.test(given) ? Number(given) : undefined
}

export function readFlag(given: unknown): boolean | undefined {
  if (given === true || given === 'true') return true
  return given === false || given === 'false' ? false : undefined
}

export const tooLong = `is longer than ${VALUE_CHARS_MAX} characters`

export function isTooLong(text: string): boolean {
  return text.length > VALUE_CHARS_MAX
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as a problem names it; objects are not walked, they may be of any depth. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return `"${clip(value)}"`
  if (Array.isArray(value)) return 'a list'
  return isObject(value) ? 'an object' : String(value)
}
