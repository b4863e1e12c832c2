/** Data collection rules: which streams a rule takes and which columns they have. A rule that Azure would not have let
 *  anybody create is refused when the simulator starts. */

export const columnTypes = ['string', 'int', 'long', 'real', 'boolean', 'datetime', 'dynamic', 'guid'] as const
export type ColumnType = (typeof columnTypes)[number]

export interface Column {
  readonly name: string
  readonly type: ColumnType
}

export interface StreamDeclaration {
  /** `any` takes every column as it comes, which Azure does not: for looking at what a sender sends. */
  readonly columns: readonly Column[] | 'any'
  /** `Custom-<table>_CL` or `Microsoft-<table>`; default: the stream's own name. */
  readonly outputStream?: string
  /** The column rows are counted by; default `RecordId`. */
  readonly idColumn?: string
}

export interface DataCollectionRule {
  /** `dcr-` and 32 hexadecimal digits. */
  readonly immutableId: string
  /** By name, which begins with `Custom-`. */
  readonly streams: Readonly<Record<string, StreamDeclaration>>
}

/** A stream as requests meet it. */
export interface Stream {
  readonly ruleId: string
  readonly name: string
  readonly table: string
  readonly columns: ReadonlyMap<string, ColumnType> | 'any'
  readonly idColumn: string
}

export type RuleBook = ReadonlyMap<string, ReadonlyMap<string, Stream>>

// Azure Monitor limits: names of columns, columns of a table, streams of a rule.
export const columnName = /^[A-Za-z][A-Za-z0-9_]{0,44}$/
const columnsMax = 500
const streamsMax = 10
/** Columns Azure fills itself; a custom table cannot have them. */
const reservedColumns = new Set(['_resourceid', 'id', '_subscriptionid', 'tenantid', 'type', 'uniqueid', 'title'])

/** @throws {TypeError} that names the rule, the stream and the column Azure would refuse. */
export function readRules(rules: readonly DataCollectionRule[]): RuleBook {
  return new Map(
    rules.map((rule) => {
      const { immutableId } = rule
      if (!/^dcr-[0-9a-f]{32}$/.test(immutableId)) {
        throw new TypeError(`'${immutableId}' is no immutable id of a rule: write dcr- and 32 hexadecimal digits`)
      }
      const names = Object.keys(rule.streams)
      if (names.length === 0 || names.length > streamsMax) {
        throw new TypeError(`${immutableId} has ${names.length} streams: a rule has 1 to ${streamsMax}`)
      }
      const streams = names.map((name) => [name, readStream(immutableId, name, rule.streams[name])] as const)
      return [immutableId, new Map(streams)] as const
    }),
  )
}

function readStream(ruleId: string, name: string, declaration: StreamDeclaration | undefined): Stream {
  const { columns = 'any', outputStream = name, idColumn = 'RecordId' } = declaration ?? {}
  const place = `${ruleId} ${name}`
  if (!/^Custom-./.test(name)) throw new TypeError(`${place}: the name of a declared stream begins with Custom-`)
  const table = /^(?:Custom|Microsoft)-(.+)$/.exec(outputStream)?.[1]
  if (table === undefined) {
    throw new TypeError(`${place}: '${outputStream}' is no output stream: write Custom-<table>_CL or Microsoft-<table>`)
  }
  const stream = { ruleId, name, table, idColumn }
  if (columns === 'any') return { ...stream, columns }
  if (columns.length > columnsMax)
    throw new TypeError(`${place} has ${columns.length} columns: Azure takes ${columnsMax}`)
  for (const column of columns) checkColumn(place, column, outputStream.startsWith('Custom-'))
  return { ...stream, columns: new Map(columns.map((column) => [column.name, column.type])) }
}

function checkColumn(place: string, { name, type }: Column, isCustomTable: boolean): void {
  if (!columnName.test(name)) {
    throw new TypeError(`${place}: '${name}' is no column: a letter, then at most 44 letters, digits and underscores`)
  }
  if (!columnTypes.includes(type)) throw new TypeError(`${place}: column ${name} has the unknown type '${type}'`)
  if (isCustomTable && reservedColumns.has(name.toLowerCase())) {
    throw new TypeError(`${place}: column ${name} is reserved: Azure fills it itself, choose another name`)
  }
}
