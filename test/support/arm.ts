/** Works out an Azure Resource Manager template as a deployment would before it asks any service: parameters, expressions, copies, ids.
 *  Knows the functions that ours use; anything else, an unknown parameter or a wrong type is an error. Source: "Syntax and expressions in
 *  ARM templates", "ARM template functions". */
import { createHash } from 'node:crypto'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
type Object = { readonly [key: string]: Json }

export interface Resource {
  readonly type: string
  readonly apiVersion: string
  readonly name: string
  /** As other resources name it. */
  readonly id: string
  readonly isDeployed: boolean
  readonly dependsOn: readonly string[]
  readonly properties: Object
  readonly location: Json | undefined
}

interface Declared {
  readonly [key: string]: Json
  readonly type: string
}

export interface Template {
  readonly parameters: Readonly<Record<string, Declared>>
  readonly variables: Object
  readonly resources: readonly Object[]
  readonly outputs: Readonly<Record<string, Declared>>
}

interface Deployment {
  readonly resources: readonly Resource[]
  readonly outputs: Object
  readonly usedParameters: ReadonlySet<string>
  readonly usedVariables: ReadonlySet<string>
}

const group = '/subscriptions/sub/resourceGroups/group'

/** What services answer about resources that exist: by type, what templates read of them. */
const runtime: Readonly<Record<string, Json>> = {
  'Microsoft.Insights/dataCollectionRules': {
    immutableId: `dcr-${'0'.repeat(32)}`,
    endpoints: { logsIngestion: 'https://rule.westeurope-1.ingest.monitor.azure.com' },
  },
  'Microsoft.Insights/dataCollectionEndpoints': {
    logsIngestion: { endpoint: 'https://endpoint.westeurope-1.ingest.monitor.azure.com' },
  },
  'Microsoft.OperationalInsights/workspaces': { customerId: '11111111-2222-3333-4444-555555555555' },
}

export function deploy(template: Template, given: Object): Deployment {
  const usedParameters = new Set<string>()
  const usedVariables = new Set<string>()
  const referable = new Map<string, string>()
  let copyIndex: number | undefined

  const functions: Readonly<Record<string, (...args: readonly Json[]) => Json>> = {
    parameters: (name) => {
      const declared = template.parameters[String(name)]
      if (declared === undefined) throw new Error(`no parameter ${String(name)}`)
      usedParameters.add(String(name))
      const value = given[String(name)] ?? evaluate(declared.defaultValue ?? null)
      const type = { string: 'string', int: 'number', bool: 'boolean' }[declared.type]
      if (typeof value !== type) throw new Error(`parameter ${String(name)} is not a ${declared.type}`)
      return value
    },
    variables: (name) => {
      const value = template.variables[String(name)]
      if (value === undefined) throw new Error(`no variable ${String(name)}`)
      usedVariables.add(String(name))
      return evaluate(value)
    },
    resourceGroup: () => ({ location: 'westeurope' }),
    resourceId: (type, ...names) => `${group}/providers/${withNames(text(type), names.map(text))}`,
    subscriptionResourceId: (type, ...names) =>
      `/subscriptions/sub/providers/${withNames(text(type), names.map(text))}`,
    extensionResourceId: (scope, type, ...names) =>
      `${text(scope)}/providers/${withNames(text(type), names.map(text))}`,
    copyIndex: () => {
      if (copyIndex === undefined) throw new Error('copyIndex() outside of a copy')
      return copyIndex
    },
    reference: (id, apiVersion) => {
      const type = referable.get(text(id))
      if (type === undefined) throw new Error(`reference to ${text(id)}, which is not deployed here`)
      if (!/^\d{4}-\d\d-\d\d/.test(text(apiVersion))) throw new Error(`apiVersion ${text(apiVersion)}`)
      return runtime[type] ?? null
    },
    format: (pattern, ...args) =>
      text(pattern).replaceAll(/\{(\d+)\}/g, (_, index: string) => {
        const arg = args[Number(index)]
        if (arg === undefined) throw new Error(`no argument {${index}}`)
        return String(arg)
      }),
    guid: (...parts) => {
      const hex = createHash('sha256').update(parts.map(String).join('-')).digest('hex')
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
    },
    string: (value = null) => (typeof value === 'string' ? value : JSON.stringify(value)),
    replace: (value, old, by) => text(value).replaceAll(text(old), text(by)),
    empty: (value = null) => value === null || value === '' || (Array.isArray(value) && value.length === 0),
    not: (value) => !flag(value),
    equals: (left, right) => left === right,
    max: (...values) => Math.max(...values.map(Number)),
    add: (left, right) => Number(left) + Number(right),
    null: () => null,
    createArray: (...values) => values,
    createObject: (...parts) =>
      Object.fromEntries(
        Array.from({ length: parts.length / 2 }, (_, index) => [text(parts[2 * index]), parts[2 * index + 1] ?? null]),
      ),
  }

  /** A text in brackets is an expression; two brackets at its start stand for one of the text. */
  function evaluate(value: Json): Json {
    if (typeof value === 'string') {
      if (!value.startsWith('[') || !value.endsWith(']') || value.startsWith('[[')) return value
      const [result, rest] = expression(value.slice(1, -1), true)
      if (rest.trim() !== '') throw new Error(`${value}: "${rest}" is left over`)
      return result
    }
    if (Array.isArray(value)) return value.map(evaluate)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, evaluate(of)]))
  }

  /** One expression at the start of the text, and what follows it. Of `if`, only the branch that is taken is worked out. */
  function expression(source: string, isTaken: boolean): readonly [Json, string] {
    const start = source.trimStart()
    const literal = /^(?:'((?:[^']|'')*)'|(-?\d+))/.exec(start)
    if (literal !== null)
      return [
        literal[1] === undefined ? Number(literal[2]) : literal[1].replaceAll("''", "'"),
        start.slice(literal[0].length),
      ]
    const call = /^([a-zA-Z]+)\(/.exec(start)
    const name = call?.[1] ?? ''
    const run = name === 'if' ? () => null : functions[name]
    if (call === null || run === undefined) throw new Error(`no expression: ${start.slice(0, 60)}`)
    const args: Json[] = []
    let rest = start.slice(call[0].length).trimStart()
    while (!rest.startsWith(')')) {
      const isBranchTaken = name !== 'if' || args.length === 0 || (args.length === 1) === args[0]
      const [arg, after] = expression(rest, isTaken && isBranchTaken)
      args.push(arg)
      rest = after.trimStart()
      if (rest.startsWith(',')) rest = rest.slice(1).trimStart()
      else if (!rest.startsWith(')')) throw new Error(`neither , nor ) before: ${rest.slice(0, 60)}`)
    }
    rest = rest.slice(1)
    if (name === 'if' && args.length !== 3) throw new Error('if() takes three arguments')
    let result: Json = !isTaken ? null : name === 'if' ? (args[flag(args[0]) ? 1 : 2] ?? null) : run(...args)
    for (let property = /^\.(\w+)/.exec(rest); property !== null; property = /^\.(\w+)/.exec(rest)) {
      const key = property[1] ?? ''
      if (isTaken) {
        if (typeof result !== 'object' || result === null || !Object.hasOwn(result, key))
          throw new Error(`no property ${key}`)
        result = (result as Object)[key] ?? null
      }
      rest = rest.slice(property[0].length)
    }
    return [result, rest]
  }

  const resources = template.resources.flatMap((resource): readonly Resource[] => {
    const copy = resource.copy as { readonly count: Json } | undefined
    const count = copy === undefined ? 1 : Number(evaluate(copy.count))
    return Array.from({ length: count }, (_, index) => {
      copyIndex = copy === undefined ? undefined : index
      const { copy: _copy, ...rest } = resource
      const of = evaluate(rest) as Object
      const [type, name] = [text(of.type), text(of.name)]
      const scope = of.scope === undefined ? group : text(of.scope)
      copyIndex = undefined
      return {
        type,
        apiVersion: text(of.apiVersion),
        name,
        id: `${scope}/providers/${withNames(type, name.split('/'))}`,
        isDeployed: of.condition === undefined || flag(of.condition),
        dependsOn: (of.dependsOn ?? []) as readonly string[],
        properties: of.properties as Object,
        location: of.location,
      }
    })
  })
  for (const { id, type, isDeployed } of resources) if (isDeployed) referable.set(id, type)
  // The workspace may have been there before.
  for (const { id, type } of resources) if (type === 'Microsoft.OperationalInsights/workspaces') referable.set(id, type)
  const outputs = Object.fromEntries(
    Object.entries(template.outputs).map(([name, { value }]) => [name, evaluate(value ?? null)]),
  )
  return { resources, outputs, usedParameters, usedVariables }
}

/** Microsoft.X/a/b with names 1 and 2: Microsoft.X/a/1/b/2. */
function withNames(type: string, names: readonly string[]): string {
  const [provider = '', ...types] = type.split('/')
  if (types.length !== names.length) throw new Error(`${type} takes ${types.length} names, not ${names.join('/')}`)
  return [provider, ...types.flatMap((each, index) => [each, names[index] ?? ''])].join('/')
}

function text(value: Json | undefined): string {
  if (typeof value !== 'string' || value === '') throw new Error(`not a text: ${JSON.stringify(value)}`)
  return value
}

function flag(value: Json | undefined): boolean {
  if (typeof value !== 'boolean') throw new Error(`neither true nor false: ${JSON.stringify(value)}`)
  return value
}
