/** Reading fields of a record somebody else made: total functions, any input, no exceptions. `undefined` or '' means absent. */

/** An object to look fields up in; anything else reads as an empty one. */
export type Fields = Readonly<Record<string, unknown>>

const nothing: Fields = Object.freeze({})

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : nothing
}

/** What a column holds that may be JSON itself or the text of it. Text that is none stays text. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** Text as it is, numbers and booleans as their text, everything else as ''. Never 'null' or 'undefined'. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return ''
}

/** A name without its case, spaces and punctuation: what tables of names are looked up by. */
export function wordOf(value: unknown): string {
  return textOf(value)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
}

/** A safe integer, or one written as text. */
export function integerOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value)
  return undefined
}

const none: readonly never[] = Object.freeze([])

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : none
}

/** The texts of a list; a single text counts as a list of one, and objects give their `id`. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? none : [value]
  const list = listOf(value)
  if (list.length === 0) return none
  return list.map((item) => (typeof item === 'object' ? textOf(fieldsOf(item).id ?? fieldsOf(item)._id) : textOf(item)))
}

/** 2001-01-01: nothing this product reads is older, so smaller numbers are seconds, and 100 ns ticks and the like are none. */
const earliestMs = 978_307_200_000
/** 9999-12-31T23:59:59.999Z, the last time RFC 3339 can write. */
const latestMs = 253_402_300_799_999

/**
 * A time in milliseconds since the epoch, from milliseconds, seconds, their text, or ISO 8601.
 * @returns undefined for what is no plausible time: 0, negative, before 2001, after 9999, not a number. Never NaN, never 1970.
 */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return plausible(value)
  if (typeof value !== 'string' || value === '') return undefined
  if (/^\d{9,16}(\.\d+)?$/.test(value)) return plausible(Number(value))
  if (!/^\d{4}-\d\d-\d\dT/.test(value)) return undefined
  return plausible(Date.parse(value))
}

function plausible(value: number): number | undefined {
  const ms = Math.trunc(value)
  if (ms >= earliestMs && ms <= latestMs) return ms
  const fromSeconds = Math.trunc(value * 1000)
  return fromSeconds >= earliestMs && fromSeconds <= earliestMs * 10 ? fromSeconds : undefined
}
