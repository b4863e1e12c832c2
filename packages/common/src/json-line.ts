/** An object as one line of JSON that fits: what is too long is shortened in its longest text, and nothing in the line steers a
 *  terminal or a line reader. */
import { shortenText } from './cef/message.ts'
import { RelayError } from './errors.ts'

/** What JSON leaves as it is and a terminal, a syslog receiver or a line reader does not: DEL, C1, line separators, direction marks, BOM. */
const steering = /[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g
/** Below this many characters shortening a text gains nothing worth its loss. */
const keptCharactersMin = 16

export interface JsonLine {
  readonly line: string
  /** How many members were shortened to fit; 0 as a rule. */
  readonly shortenedFields: number
}

/**
 * @param fixed members that are never shortened, such as ids.
 * @param bytesMax most bytes the line may take; of a longer one, the longest texts are shortened, ending in `...`.
 * @throws {RelayError} `RELAY_FRAME_TOO_LARGE` when it does not fit however short its texts are.
 */
export function jsonLine(
  values: Readonly<Record<string, unknown>>,
  fixed: ReadonlySet<string>,
  bytesMax: number,
): JsonLine {
  const line = write(values)
  // A UTF-16 unit takes at most three bytes in UTF-8: most lines need no count.
  if (line.length * 3 <= bytesMax || Buffer.byteLength(line) <= bytesMax) return { line, shortenedFields: 0 }
  return shorten({ ...values }, fixed, bytesMax)
}

function shorten(values: Record<string, unknown>, fixed: ReadonlySet<string>, bytesMax: number): JsonLine {
  const touched = new Set<string>()
  for (;;) {
    const line = write(values)
    const excess = Buffer.byteLength(line) - bytesMax
    if (excess <= 0) return { line, shortenedFields: touched.size }
    const longest = longestText(values, fixed)
    const text = longest === undefined ? '' : textOf(values[longest])
    if (longest === undefined || text.length <= keptCharactersMin)
      throw new RelayError(
        'RELAY_FRAME_TOO_LARGE',
        `the row needs ${excess + bytesMax} bytes with all texts shortened; ${bytesMax} are allowed`,
      )
    const wanted = Math.max(keptCharactersMin, Math.floor(text.length / 2), text.length - excess)
    const short = shortenText(text, Math.min(wanted, text.length - 1))
    values[longest] = Array.isArray(values[longest]) ? [short] : short
    touched.add(longest)
  }
}

function write(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(values).replace(
    steering,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function longestText(values: Readonly<Record<string, unknown>>, fixed: ReadonlySet<string>): string | undefined {
  let longest: string | undefined
  for (const name of Object.keys(values))
    if (!fixed.has(name) && textOf(values[name]).length > textOf(values[longest ?? '']).length) longest = name
  return longest
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.join(',') : ''
}
