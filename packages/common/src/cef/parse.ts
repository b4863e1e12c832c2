/** A strict CEF reader: the encoder's inverse. It accepts what "Implementing CEF" allows and nothing else, so that a line it
 *  reads back unchanged is one every other reader can read. */

export interface ParsedCef {
  readonly version: number
  readonly deviceVendor: string
  readonly deviceProduct: string
  readonly deviceVersion: string
  readonly signatureId: string
  readonly name: string
  readonly severity: string
  readonly extension: ReadonlyMap<string, string>
}

/** @throws {SyntaxError} naming what is wrong and where. */
export function parseCef(line: string): ParsedCef {
  if (!line.startsWith('CEF:')) throw new SyntaxError('the line does not start with CEF:')
  if (/[\r\n]/.test(line)) throw new SyntaxError('the line holds a newline')
  const fields: string[] = []
  let field = ''
  let position = 4
  for (; position < line.length && fields.length < 7; position++) {
    const character = line[position]
    if (character === '|') {
      fields.push(field)
      field = ''
    } else if (character === '\\') {
      const escaped = line[++position]
      if (escaped !== '\\' && escaped !== '|')
        throw new SyntaxError(`\\${escaped ?? ''} is no header escape, at ${position}`)
      field += escaped
    } else field += character
  }
  if (fields.length < 7) throw new SyntaxError(`the header has ${fields.length} of its 7 fields`)
  const [
    version,
    deviceVendor = '',
    deviceProduct = '',
    deviceVersion = '',
    signatureId = '',
    name = '',
    severity = '',
  ] = fields
  if (!/^\d+$/.test(version ?? '')) throw new SyntaxError(`the version is ${version}`)
  return {
    version: Number(version),
    deviceVendor,
    deviceProduct,
    deviceVersion,
    signatureId,
    name,
    severity,
    extension: parseExtension(line.slice(position)),
  }
}

/** Where a pair starts: at the beginning or behind a space, a key, an equals sign no backslash stands before. */
const pairStart = /(?:^| )([A-Za-z0-9_]+)=/g

function parseExtension(text: string): ReadonlyMap<string, string> {
  const extension = new Map<string, string>()
  if (text === '') return extension
  const starts = [...text.matchAll(pairStart)]
  if (starts[0]?.index !== 0 || text.startsWith(' ')) throw new SyntaxError('the extension does not start with a key')
  for (const [index, start] of starts.entries()) {
    const key = start[1] ?? ''
    if (extension.has(key)) throw new SyntaxError(`the key ${key} is there twice`)
    extension.set(
      key,
      unescapeValue(text.slice(start.index + start[0].length, starts[index + 1]?.index ?? text.length), key),
    )
  }
  return extension
}

function unescapeValue(written: string, key: string): string {
  let value = ''
  for (let index = 0; index < written.length; index++) {
    const character = written[index]
    if (character === '=') throw new SyntaxError(`an unescaped = in ${key}`)
    if (character !== '\\') {
      value += character
      continue
    }
    const escaped = written[++index]
    if (escaped === 'n') value += '\n'
    else if (escaped === 'r') value += '\r'
    else if (escaped === '\\' || escaped === '=') value += escaped
    else throw new SyntaxError(`\\${escaped ?? ''} is no value escape, in ${key}`)
  }
  return value
}
