/** A Cloud Discovery row as one line of JSON in the shape of Microsoft's table: its 18 columns in their order, null where not known,
 *  then `RecordId`, by which a reader tells rows that were delivered twice. */
import { shortenText } from '../cef/message.ts'
import { RelayError } from '../errors.ts'
import type { DiscoveryRecord } from '../events.ts'
import { type DiscoveryColumn, discoveryColumns, discoverySourceSystem, discoveryType } from './row.ts'

/** What JSON leaves as it is and a terminal, a syslog receiver or a line reader does not: DEL, C1, line separators, direction marks, BOM. */
const steering = /[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g
/** Below this many characters shortening a column gains nothing worth its loss. */
const keptCharactersMin = 16

export interface EncodedRow {
  readonly line: string
  /** How many columns were shortened to fit; 0 as a rule. */
  readonly shortenedFields: number
}

/**
 * @param bytesMax most bytes the line may take; of a longer one, the longest texts are shortened, ending in `...`.
 * @throws {RelayError} `RELAY_FRAME_TOO_LARGE` when it does not fit however short its texts are.
 */
export function discoveryJson({ id, row }: DiscoveryRecord, bytesMax: number): EncodedRow {
  const values: Partial<Record<DiscoveryColumn, unknown>> = {
    SourceSystem: discoverySourceSystem,
    Type: discoveryType,
    ...row,
  }
  const touched = new Set<DiscoveryColumn>()
  for (;;) {
    const line = write(values, id)
    const excess = Buffer.byteLength(line) - bytesMax
    if (excess <= 0) return { line, shortenedFields: touched.size }
    const longest = longestText(values)
    const text = longest === undefined ? '' : textOf(values[longest])
    if (longest === undefined || text.length <= keptCharactersMin)
      throw new RelayError(
        'RELAY_FRAME_TOO_LARGE',
        `the row needs ${excess + bytesMax} bytes with all texts shortened; ${bytesMax} are allowed`,
      )
    const wanted = Math.max(keptCharactersMin, Math.floor(text.length / 2), text.length - excess)
    const short = shortenText(text, Math.min(wanted, text.length - 1))
    values[longest] = longest === 'AppTags' ? [short] : short
    touched.add(longest)
  }
}

function write(values: Partial<Record<DiscoveryColumn, unknown>>, id: string): string {
  const columns = Object.fromEntries(discoveryColumns.map((column) => [column, values[column] ?? null]))
  return JSON.stringify({ ...columns, RecordId: id }).replace(
    steering,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function longestText(values: Partial<Record<DiscoveryColumn, unknown>>): DiscoveryColumn | undefined {
  return discoveryColumns
    .filter((column) => textOf(values[column]) !== '')
    .toSorted((a, b) => textOf(values[b]).length - textOf(values[a]).length)[0]
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.join(',') : ''
}
