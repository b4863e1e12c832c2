/** YAML 1.2 text into plain values, keeping where each key and value stands. Everything is bounded: size, nesting, aliases. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml'
import { formatPath, type Path } from './path.ts'

export interface Position {
  readonly line: number
  readonly column: number
}

export interface YamlSource {
  /** undefined when the text holds no value. */
  readonly value: unknown
  /** By formatted path. */
  readonly keyPositions: ReadonlyMap<string, Position>
  readonly valuePositions: ReadonlyMap<string, Position>
  readonly problems: readonly { readonly position: Position; readonly path: string; readonly message: string }[]
}

export const yamlBytesMax = 1_048_576
const nestingMax = 64
const nodesMax = 200_000
/** Uses of aliases, those inside an aliased value counted each time it is used. */
const aliasesMax = 100
const start: Position = { line: 1, column: 1 }

const missingAnchor =
  'a value that starts with * refers to an anchor, and there is no such anchor; put it in quotes if it is text'

/** Sentences of our own where the parser's would quote the text, which may be half of a secret. */
const sentences: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: missingAnchor,
  BAD_SCALAR_START: 'a plain value cannot start with this character; put it in quotes',
  BAD_INDENT: 'this is not where it can belong; check the indentation and that every bracket above is closed',
  BLOCK_AS_IMPLICIT_KEY: 'this does not fit here; check the indentation, and put text that contains ": " in quotes',
  MISSING_CHAR: 'a closing quote, bracket, comma or colon is missing',
  MULTIPLE_DOCS: 'the file holds several documents; remove the line ---',
  RESOURCE_EXHAUSTION: `nested more than ${nestingMax} levels deep`,
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED:
    'a value that starts with ! has a type tag, which is not supported; put it in quotes if it is text',
  UNEXPECTED_TOKEN: 'this was not expected here; check quotes, brackets and indentation',
}

class Refused extends Error {
  readonly path: Path
  readonly offset: number | undefined
  constructor(path: Path, offset: number | undefined, message: string) {
    super(message)
    this.path = path
    this.offset = offset
  }
}

/** @returns the value, or problems: every syntax error with its position, or the one that stopped the reading. */
export function parseYaml(text: string): YamlSource {
  if (Buffer.byteLength(text) > yamlBytesMax) return failed(start, '', `longer than ${yamlBytesMax} bytes`)
  const lineCounter = new LineCounter()
  const at = (offset: number | undefined): Position => {
    const { line, col } = lineCounter.linePos(offset ?? 0)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  try {
    // The parser's own search for duplicate keys takes quadratic time (42 s for 60,000 keys); readNodes finds them, too.
    const document = parseDocument(text, { version: '1.2', lineCounter, prettyErrors: false, uniqueKeys: false })
    const errors = [...document.errors, ...document.warnings]
    if (errors.length > 0) return { ...empty, problems: onePerLine(errors, at) }
    return readNodes(document, at)
  } catch (error) {
    if (error instanceof Refused) return failed(at(error.offset), formatPath(error.path), error.message)
    // The parser recurses: thousands of brackets exhaust the stack before the nesting bound can be checked.
    if (error instanceof RangeError) return failed(start, '', `nested more than ${nestingMax} levels deep`)
    throw error
  }
}

const empty = {
  value: undefined,
  keyPositions: new Map<string, Position>(),
  valuePositions: new Map<string, Position>(),
}

function failed(position: Position, path: string, message: string): YamlSource {
  return { ...empty, problems: [{ position, path, message }] }
}

/** One mistake makes the parser stumble on; what it says later in the same line is rarely news. */
function onePerLine(
  errors: readonly YAMLError[],
  at: (offset: number | undefined) => Position,
): YamlSource['problems'] {
  const byLine = new Map<number, YamlSource['problems'][number]>()
  for (const error of errors.toSorted((left, right) => left.pos[0] - right.pos[0])) {
    const position = at(error.pos[0])
    if (!byLine.has(position.line)) byLine.set(position.line, { position, path: '', message: sentenceOf(error) })
  }
  return [...byLine.values()]
}

function sentenceOf(error: YAMLError): string {
  return sentences[error.code] ?? `not valid YAML (${error.code}); check quotes, brackets and indentation`
}

function readNodes(
  document: ReturnType<typeof parseDocument>,
  at: (offset: number | undefined) => Position,
): YamlSource {
  const keyPositions = new Map<string, Position>()
  const valuePositions = new Map<string, Position>()
  const problems: YamlSource['problems'][number][] = []
  let nodes = 0
  let aliases = 0

  function read(node: unknown, path: Path): unknown {
    const offset = offsetOf(node)
    if (++nodes > nodesMax) throw new Refused(path, offset, `more than ${nodesMax} values`)
    if (path.length > nestingMax)
      throw new Refused(path.slice(0, 4), offset, `nested more than ${nestingMax} levels deep`)
    if (isAlias(node)) {
      if (++aliases > aliasesMax) throw new Refused(path.slice(0, 4), offset, `more than ${aliasesMax} aliases`)
      const anchored = node.resolve(document)
      if (anchored === undefined) throw new Refused(path, offset, missingAnchor)
      return read(anchored, path)
    }
    if (offset !== undefined) valuePositions.set(formatPath(path), at(offset))
    if (isScalar(node)) return node.value
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]))
    if (!isMap(node)) return node ?? null
    const section: Record<string, unknown> = {}
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw new Refused(path, offsetOf(key) ?? offset, 'a key must be a plain word')
      const name = String(key.value)
      const childPath = [...path, name]
      const keyOffset = offsetOf(key)
      if (Object.hasOwn(section, name))
        problems.push({
          position: at(keyOffset),
          path: formatPath(childPath),
          message: 'this key is already set above; keep one of them',
        })
      if (keyOffset !== undefined) keyPositions.set(formatPath(childPath), at(keyOffset))
      // Defined, not assigned: a key named __proto__ must become a key.
      const child = { value: read(value, childPath), enumerable: true, configurable: true, writable: true }
      Object.defineProperty(section, name, child)
    }
    return section
  }

  const value = document.contents === null ? undefined : read(document.contents, [])
  return { value, keyPositions, valuePositions, problems }
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
  const [offset] = node.range as readonly unknown[]
  return typeof offset === 'number' ? offset : undefined
}
