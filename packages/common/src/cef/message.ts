/** A CEF message and its one encoder.
 *
 *    CEF:0|Device Vendor|Device Product|Device Version|Signature ID|Name|Severity|key=value key=value …
 *
 *  Version stays 0: it is what the SIEM agent wrote and what receivers look for. Source: ArcSight "Implementing CEF". */
import { RelayError } from '../errors.ts'
import { cleanHeader, cleanValue, escapeHeader, escapeValue } from './escape.ts'

export interface CefMessage {
  readonly deviceVendor: string
  readonly deviceProduct: string
  readonly deviceVersion: string
  readonly signatureId: string
  readonly name: string
  /** 0 to 10. */
  readonly severity: number
  /** Keys and values in turn: key, value, key, value, … Keys come from fixed tables, never from data. */
  readonly extension: readonly string[]
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

function write(message: CefMessage): string {
  const { extension } = message
  let line = `CEF:0|${header(message.deviceVendor)}|${header(message.deviceProduct)}|${header(message.deviceVersion)}|${header(message.signatureId)}|${header(message.name)}|${message.severity}|`
  for (let index = 0; index < extension.length; index += 2) {
    const separator = index === 0 ? '' : ' '
    line += `${separator}${extension[index]}=${escapeValue(cleanValue(extension[index + 1] ?? ''))}`
  }
  return line
}

function header(text: string): string {
  return escapeHeader(cleanHeader(text))
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
  'suser',
  'destinationServiceName',
  'requestClientApplication',
])
/** Below this many characters shortening a field gains nothing worth its loss. */
const keptCharactersMin = 16
const mark = '...'

function shorten(message: CefMessage, bytesMax: number): EncodedCef {
  const extension = [...message.extension]
  let name = message.name
  const touched = new Set<string>()
  for (;;) {
    const line = write({ ...message, name, extension })
    const excess = Buffer.byteLength(line) - bytesMax
    if (excess <= 0) return { line, shortenedFields: touched.size }
    const index = longestFreeText(extension)
    const longest = index === undefined ? '' : (extension[index + 1] ?? '')
    if (name.length > longest.length && name.length > keptCharactersMin) {
      name = cut(name, name.length - excess)
      touched.add('name')
    } else if (index !== undefined && longest.length > keptCharactersMin) {
      extension[index + 1] = cut(longest, longest.length - excess)
      touched.add(extension[index] ?? '')
    } else {
      throw new RelayError(
        'RELAY_FRAME_TOO_LARGE',
        `the message needs ${excess + bytesMax} bytes with all free text shortened; ${bytesMax} are allowed`,
      )
    }
  }
}

function longestFreeText(extension: readonly string[]): number | undefined {
  let best: number | undefined
  for (let index = 0; index < extension.length; index += 2) {
    if (!shortenable.has(extension[index] ?? '')) continue
    if (best === undefined || (extension[index + 1] ?? '').length > (extension[best + 1] ?? '').length) best = index
  }
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
