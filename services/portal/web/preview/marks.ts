/** What a line took over from its record, and where it stands in both: so that differences are seen at a glance. Pure. */

export interface Piece {
  readonly text: string
  readonly kind: 'plain' | 'key' | 'kept' | 'changed'
}

/** Shorter values are everywhere and tell nothing. */
const lengthMin = 3

/** The texts and numbers of a record, however deep, the longest first. */
function valuesOf(record: unknown): ReadonlySet<string> {
  const values = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value === 'string' || typeof value === 'number') values.add(String(value))
    else if (Array.isArray(value)) value.forEach(walk)
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk)
  }
  walk(record)
  return values
}

/** A CEF extension's key, at its beginning or after a space: letters and digits, then `=` that is not escaped. */
const keyPattern = /(^|\s)([A-Za-z][A-Za-z0-9]*)=/g

/** The parts of a line: head, keys, and values that are the record's own or made by the relay. */
export function piecesOfLine(line: string, record: unknown): readonly Piece[] {
  const known = valuesOf(record)
  if (line.startsWith('{')) return piecesOfJson(line, (value) => isKept(value, known))
  const cef = line.indexOf('CEF:')
  const bodyAt = cef < 0 ? 0 : indexOfBody(line, cef)
  const body = line.slice(bodyAt)
  const keys = [...body.matchAll(keyPattern)]
  const pieces: Piece[] = []
  const head = line.slice(0, bodyAt)
  for (const [index, part] of head.split('|').entries()) {
    if (index > 0) pieces.push({ text: '|', kind: 'plain' })
    if (part !== '') pieces.push({ text: part, kind: isKept(unescapeText(part), known) ? 'kept' : 'plain' })
  }
  if (keys.length === 0) return body === '' ? pieces : [...pieces, { text: body, kind: 'plain' }]
  for (const [index, match] of keys.entries()) {
    const keyEnd = match.index + match[0].length
    const value = body.slice(keyEnd, keys[index + 1]?.index ?? body.length)
    pieces.push({ text: match[0], kind: 'key' })
    if (value !== '') pieces.push({ text: value, kind: isKept(unescapeText(value), known) ? 'kept' : 'changed' })
  }
  return pieces
}

/** Past the seventh `|` that is not escaped. */
function indexOfBody(line: string, from: number): number {
  let bars = 0
  for (let at = from; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === '|' && ++bars === 7) return at + 1
  }
  return line.length
}

function unescapeText(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) =>
    character === 'n' ? '\n' : character === 'r' ? '\r' : character,
  )
}

function isKept(value: string, known: ReadonlySet<string>): boolean {
  return value.length >= lengthMin && known.has(value)
}

/** A string or a number of JSON text; a string before a colon is a key. */
const tokenPattern = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** JSON text with its keys and those values marked for which `isMarked` holds. */
export function piecesOfJson(text: string, isMarked: (value: string) => boolean): readonly Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const match of text.matchAll(tokenPattern)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), kind: 'plain' })
    end = match.index + match[0].length
    if (match[1] !== undefined) pieces.push({ text: match[0], kind: 'key' })
    else pieces.push({ text: match[0], kind: isMarked(scalarOf(match[0])) ? 'kept' : 'plain' })
  }
  if (end < text.length) pieces.push({ text: text.slice(end), kind: 'plain' })
  return pieces
}

function scalarOf(token: string): string {
  try {
    return String(JSON.parse(token))
  } catch {
    return token
  }
}

/** The record with those values marked that the line took over as they are. */
export function piecesOfRecord(record: unknown, line: string | undefined): readonly Piece[] {
  const kept = new Set(
    line === undefined
      ? []
      : piecesOfLine(line, record)
          .filter(({ kind }) => kind === 'kept')
          .map(({ text }) => plainText(text)),
  )
  return piecesOfJson(JSON.stringify(record, null, 2), (value) => value.length >= lengthMin && kept.has(value))
}

function plainText(text: string): string {
  return text.startsWith('"') ? scalarOf(text) : unescapeText(text)
}
