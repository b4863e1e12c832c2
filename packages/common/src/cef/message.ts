/** A CEF message and its one encoder.
 *
 *    CEF:0|Device Vendor|Device Product|Device Version|Signature ID|Name|Severity|key=value key=value …
 *
 *  Version stays 0: it is what the SIEM agent wrote and what receivers look for. Source: ArcSight "Implementing CEF". */
import { RelayError } from '../errors.ts'
import { writeHeader, writeValue } from './escape.ts'

/** A key of the extension as it stands in a line, with its label in front where it has one. Keys come from fixed tables, never from data. */
export interface CefField {
  readonly key: string
  /** `key=`, or `keyLabel=label key=`. */
  readonly written: string
}

/** @param label as written, escapes and quotes included; a constant of the profile. */
export function cefField(key: string, label?: string): CefField {
  return { key, written: label === undefined ? `${key}=` : `${key}Label=${label} ${key}=` }
}

export interface CefMessage {
  /** `CEF:0|vendor|product|version|`, see `cefPrefix`. */
  readonly prefix: string
  readonly signatureId: string
  readonly name: string
  /** 0 to 10. */
  readonly severity: number
  readonly fields: readonly CefField[]
  /** One for each of `fields`. */
  readonly values: readonly string[]
}

/** The part of the header that is the same for every line of an agent. */
export function cefPrefix(device: {
  readonly vendor: string
  readonly product: string
  readonly version: string
}): string {
  return `CEF:0|${writeHeader(device.vendor)}|${writeHeader(device.product)}|${writeHeader(device.version)}|`
}

export interface EncodedCef {
  readonly line: string
  /** How many fields were shortened to fit; 0 as a rule. */
  readonly shortenedFields: number
}

/**
 * Writes a message as one line of UTF-8 text without a newline.
 * @param bytesMax most bytes the line may take. A longer one is shortened field by field, the longest free text first, before
 *   escaping, between code points, ending in `...`; nothing else of the message changes.
 * @throws {RelayError} `RELAY_FRAME_TOO_LARGE` when it does not fit however short the free text is.
 */
export function encodeCef(message: CefMessage, bytesMax: number): EncodedCef {
  const line = write(message)
  // A UTF-16 unit takes at most three bytes in UTF-8: most lines need no count.
  if (line.length * 3 <= bytesMax || Buffer.byteLength(line) <= bytesMax) return { line, shortenedFields: 0 }
  return shorten(message, bytesMax)
}

function write({ prefix, signatureId, name, severity, fields, values }: CefMessage): string {
  let line = `${prefix}${writeHeader(signatureId)}|${writeHeader(name)}|${severity}|`
  for (let index = 0; index < fields.length; index++) {
    if (index > 0) line += ' '
    line += (fields[index]?.written ?? '') + writeValue(values[index] ?? '')
  }
  return line
}

/** Free text that may be shortened; identifiers, times, addresses and labels are left whole. */
const shortenable: ReadonlySet<string> = new Set([
  'msg',
  'cs1',
  'cs2',
  'cs3',
  'cs4',
  'cs5',
  'cs6',
  'flexString1',
  'suser',
  'destinationServiceName',
  'requestClientApplication',
])
/** Below this many characters shortening a field gains nothing worth its loss. */
const keptCharactersMin = 16
const mark = '...'

function shorten(message: CefMessage, bytesMax: number): EncodedCef {
  const values = [...message.values]
  let name = message.name
  const touched = new Set<string>()
  for (;;) {
    const line = write({ ...message, name, values })
    const excess = Buffer.byteLength(line) - bytesMax
    if (excess <= 0) return { line, shortenedFields: touched.size }
    const index = longestFreeText(message.fields, values)
    const longest = values[index] ?? ''
    if (name.length > longest.length && name.length > keptCharactersMin) {
      name = cut(name, name.length - excess)
      touched.add('name')
    } else if (longest.length > keptCharactersMin) {
      values[index] = cut(longest, longest.length - excess)
      touched.add(message.fields[index]?.key ?? '')
    } else {
      throw new RelayError(
        'RELAY_FRAME_TOO_LARGE',
        `the message needs ${excess + bytesMax} bytes with all free text shortened; ${bytesMax} are allowed`,
      )
    }
  }
}

/** Index of the longest value that may be shortened; -1 without any. */
function longestFreeText(fields: readonly CefField[], values: readonly string[]): number {
  let best = -1
  for (const [index, field] of fields.entries())
    if (shortenable.has(field.key) && (values[index] ?? '').length > (values[best] ?? '').length) best = index
  return best
}

/** At most half is cut in one step, so that a long field does not pay for others' multi-byte text; always makes progress. */
function cut(text: string, wantedLength: number): string {
  const target = Math.max(keptCharactersMin, Math.floor(text.length / 2), wantedLength)
  return shortenText(text, Math.min(target, text.length - 1))
}

/** The first `charactersMax` UTF-16 units of a text, never half a surrogate pair, ending in `...` when something was cut. */
export function shortenText(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text
  let end = Math.max(0, charactersMax - mark.length)
  const last = text.charCodeAt(end - 1)
  if (end > 0 && last >= 0xd800 && last <= 0xdbff) end--
  return text.slice(0, end) + mark
}

/** A time as CEF's extension takes it: milliseconds since the epoch, or nothing. */
export function timeText(ms: number | undefined): string {
  return ms === undefined ? '' : String(ms)
}
