/** CEF's character rules: what a value may hold, and how it is written. Every value is text somebody else wrote.
 *  `clean` makes any text fit for a SIEM (it loses control characters, on purpose); `escape` writes clean text so that a reader
 *  gets it back unchanged. Source: ArcSight "Implementing CEF", Character Encoding; edge cases 1–19 of docs/using/cef.md.
 *
 *    extension value:  \ → \\   = → \=   newline → \n        a pipe stays as it is
 *    header field:     \ → \\   | → \|   newline → space     an equals sign stays as it is
 */

/** Anything but printable ASCII other than backslash and equals sign: only such text needs work in a value. */
const unusualInValue = /[^\x20-\x3c\x3e-\x5b\x5d-\x7e]/
/** Anything but printable ASCII other than backslash and pipe: only such text needs work in a header field. */
const unusualInHeader = /[^\x20-\x5b\x5d-\x7b\x7d-\x7e]/
/** Text without any of these is clean but for its ends. */
const notPrintableAscii = /[^\x20-\x7e]/
/** CR LF, CR, LF. */
const newline = /\r\n?|\n/g
/** C0 except newline, DEL, C1 (NEL among them), line and paragraph separators, direction marks that reorder what an analyst reads, BOM. */
const unwanted = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

/** Any text as written in an extension: cleaned and escaped. The usual text passes after one look at its characters. */
export function writeValue(text: string): string {
  if (text === '') return text
  if (!unusualInValue.test(text)) return trimmed(text)
  return escapeValue(notPrintableAscii.test(text) ? cleanValue(text) : trimmed(text))
}

/** Any text as written between the header's pipes: cleaned and escaped. */
export function writeHeader(text: string): string {
  return unusualInHeader.test(text) ? escapeHeader(cleanHeader(text)) : trimmed(text)
}

/** Text for an extension value: well-formed, CR LF and CR as `\n`, control characters as spaces, no space at either end. Idempotent. */
export function cleanValue(text: string): string {
  return trimmed(text.toWellFormed().replace(newline, '\n').replace(unwanted, ' '))
}

/** Text for a header field: as for a value, and newlines are spaces too. */
export function cleanHeader(text: string): string {
  return trimmed(text.toWellFormed().replace(newline, ' ').replace(unwanted, ' '))
}

/** A clean value as written in an extension. Backslashes first, so that none we add is doubled. */
export function escapeValue(clean: string): string {
  let escaped = clean
  if (escaped.includes('\\')) escaped = escaped.replaceAll('\\', '\\\\')
  if (escaped.includes('\n')) escaped = escaped.replaceAll('\n', '\\n')
  return escaped.includes('=') ? escaped.replaceAll('=', '\\=') : escaped
}

/** A clean header field as written between pipes. */
export function escapeHeader(clean: string): string {
  return clean.replaceAll('\\', '\\\\').replaceAll('|', '\\|')
}

/** Only spaces and newlines at the ends go; String.prototype.trim would also take the no-break space and others that mean something. */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a
}
