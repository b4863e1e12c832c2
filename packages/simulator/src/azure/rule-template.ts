/** Data collection rules out of an ARM template, or out of what `az monitor data-collection rule show` prints: the rule that is
 *  deployed, or is to be, is the rule the simulator holds a sender to. Expressions are not evaluated. */

import { createHash } from 'node:crypto'
import { type Column, type ColumnType, columnTypes, type DataCollectionRule, type StreamDeclaration } from './rules.ts'

type Json = Readonly<Record<string, unknown>>

const ruleType = 'microsoft.insights/datacollectionrules'

/** @throws {TypeError} for what is no template, holds no rule, or has columns that only an evaluation would show. */
export function readRuleTemplate(text: string): readonly DataCollectionRule[] {
  let template: unknown
  try {
    template = JSON.parse(text)
  } catch (error) {
    throw new TypeError('the template is no JSON: build Bicep first, and pass what the build wrote', { cause: error })
  }
  const rules = [...findRules(template)]
  if (rules.length === 0) {
    throw new TypeError(
      'the template holds no data collection rule with streamDeclarations: pass the one that declares the streams',
    )
  }
  return rules
}

/** Templates nest: resources in resources, templates in deployments. */
function* findRules(value: unknown): Generator<DataCollectionRule> {
  if (Array.isArray(value)) for (const item of value) yield* findRules(item)
  if (!isObject(value)) return
  const { type, properties } = value
  const isRule = typeof type === 'string' && type.toLowerCase() === ruleType && isObject(properties)
  if (isRule && isObject(properties.streamDeclarations)) yield readRule(value, properties)
  // The command line tool lifts the properties to the top.
  else if (isObject(value.streamDeclarations)) yield readRule(value, value)
  else for (const part of Object.values(value)) yield* findRules(part)
}

function readRule(resource: Json, properties: Json): DataCollectionRule {
  const outputs = readOutputs(properties.dataFlows)
  const streams = Object.entries(properties.streamDeclarations as Json).map(([name, declaration]) => {
    const outputStream = outputs.get(name)
    const stream: StreamDeclaration = {
      columns: readColumns(name, declaration),
      ...(outputStream === undefined ? {} : { outputStream }),
      ...(outputStream === 'Microsoft-CommonSecurityLog' ? { idColumn: 'ExtID' } : {}),
    }
    return [name, stream] as const
  })
  const { immutableId } = properties
  return {
    immutableId: typeof immutableId === 'string' ? immutableId : idOf(String(resource.name)),
    streams: Object.fromEntries(streams),
  }
}

/** The id Azure will give is not known before it is there: one of the same form, the same for the same name. */
function idOf(name: string): string {
  return `dcr-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

function readColumns(stream: string, declaration: unknown): readonly Column[] {
  const columns = isObject(declaration) ? declaration.columns : undefined
  if (!Array.isArray(columns)) {
    throw new TypeError(`the columns of ${stream} are no list: write them out where an expression stands`)
  }
  return columns.map((column: unknown) => {
    const { name, type } = isObject(column) ? column : {}
    // ARM takes any case: dateTime is common.
    const known = columnTypes.find((each): each is ColumnType => each === String(type).toLowerCase())
    if (typeof name !== 'string' || known === undefined) {
      throw new TypeError(`${stream} has the column ${JSON.stringify(column)}: a column has a name and a type`)
    }
    return { name, type: known }
  })
}

/** Which table each stream fills; an expression says nothing here. */
function readOutputs(dataFlows: unknown): ReadonlyMap<string, string> {
  const outputs = new Map<string, string>()
  for (const flow of Array.isArray(dataFlows) ? dataFlows : []) {
    const { streams, outputStream } = isObject(flow) ? flow : {}
    if (typeof outputStream !== 'string' || outputStream.startsWith('[')) continue
    for (const stream of Array.isArray(streams) ? streams : []) outputs.set(String(stream), outputStream)
  }
  return outputs
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
