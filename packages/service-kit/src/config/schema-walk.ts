/** Reads zod schemas: which keys and kinds of value a place in the configuration allows. Validation itself is zod's. */
import { z } from 'zod'
import { isSection, type Path } from './path.ts'

export type Schema = z.core.$ZodType

export type Kind = 'string' | 'number' | 'boolean' | 'section' | 'list' | 'null' | 'any'

/** The schemas behind wrappers and unions: what a value here may be. A secret stays as it is. */
export function alternatives(schema: Schema): readonly Schema[] {
  if (isSecretSchema(schema)) return [schema]
  const def = defOf(schema)
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return alternatives(def.innerType)
    case 'lazy':
      return alternatives(def.getter())
    case 'pipe':
      return alternatives(defOf(def.in).type === 'transform' ? def.out : def.in)
    case 'union':
      return def.options.flatMap(alternatives)
    case 'intersection':
      return [...alternatives(def.left), ...alternatives(def.right)]
    default:
      return [schema]
  }
}

/** Marked by `secret()`, behind any wrapper such as optional. */
export function isSecret(schema: Schema): boolean {
  return alternatives(schema).some(isSecretSchema)
}

function isSecretSchema(schema: Schema): boolean {
  return z.globalRegistry.get(schema)?.writeOnly === true
}

/** Settings of the sections this schema allows, with their schemas; a key may occur in several alternatives. */
export function settingsOf(schema: Schema): readonly (readonly [key: string, schema: Schema])[] {
  return alternatives(schema).flatMap((base) => {
    const def = defOf(base)
    return def.type === 'object' ? Object.entries(def.shape) : []
  })
}

/** The schemas of one step further down: a setting, a list's element, a record's value. */
export function childrenOf(schema: Schema, step: string | number): readonly Schema[] {
  return alternatives(schema).flatMap((base): readonly Schema[] => {
    const def = defOf(base)
    if (def.type === 'object') {
      const child = Object.hasOwn(def.shape, step) ? def.shape[step] : undefined
      return child === undefined ? [] : [child]
    }
    if (def.type === 'record') return typeof step === 'string' ? [def.valueType] : []
    if (def.type === 'array') return typeof step === 'number' ? [def.element] : []
    return []
  })
}

/** The keys allowed in a section, `xFile` for every secret `x` included. */
export function keysOf(schemas: readonly Schema[]): ReadonlySet<string> {
  const settings = schemas.flatMap(settingsOf)
  return new Set(settings.flatMap(([key, child]) => (isSecret(child) ? [key, fileKeyOf(key)] : [key])))
}

/** The setting that may stand in place of a secret: a path to a file that holds it. */
export function fileKeyOf(key: string): string {
  return `${key}File`
}

export function kindsOf(schemas: readonly Schema[]): ReadonlySet<Kind> {
  return new Set(schemas.flatMap(alternatives).flatMap((base): readonly Kind[] => kindsOfBase(base)))
}

function kindsOfBase(base: Schema): readonly Kind[] {
  if (isSecretSchema(base)) return ['string']
  const def = defOf(base)
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return ['string']
    case 'enum':
      return Object.values(def.entries).map(kindOf)
    case 'literal':
      return def.values.map(kindOf)
    case 'number':
      return ['number']
    case 'boolean':
      return ['boolean']
    case 'object':
    case 'record':
      return ['section']
    case 'array':
    case 'tuple':
      return ['list']
    case 'null':
      return ['null']
    default:
      return ['any']
  }
}

export function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  const type = typeof value
  if (type === 'string' || type === 'number' || type === 'boolean') return type
  return type === 'object' ? 'section' : 'any'
}

/** The alternatives whose fixed settings (such as `type: kafka`) do not contradict what is written. */
function narrow(schemas: readonly Schema[], written: unknown): readonly Schema[] {
  const bases = schemas.flatMap(alternatives)
  if (!isSection(written)) return bases
  const fitting = bases.filter((base) =>
    settingsOf(base).every(([key, child]) => {
      const def = defOf(child)
      return (
        def.type !== 'literal' || !Object.hasOwn(written, key) || def.values.some((fixed) => fixed === written[key])
      )
    }),
  )
  return fitting.length > 0 ? fitting : bases
}

/** The schemas that apply at a path, given what is written above it. */
export function schemasAt(schema: Schema, written: unknown, path: Path): readonly Schema[] {
  let schemas: readonly Schema[] = [schema]
  let value = written
  for (const step of path) {
    schemas = narrow(schemas, value).flatMap((base) => childrenOf(base, step))
    value = Array.isArray(value) || isSection(value) ? (value as Record<string | number, unknown>)[step] : undefined
  }
  return narrow(schemas, value)
}

/** Calls back for every written section with the schemas that apply to it, outermost first. */
export function visitSections(
  schemas: readonly Schema[],
  written: unknown,
  visit: (section: Record<string, unknown>, schemas: readonly Schema[], path: Path) => void,
  path: Path = [],
): void {
  const bases = narrow(schemas, written)
  if (isSection(written)) visit(written, bases, path)
  const steps = Array.isArray(written) ? written.keys() : isSection(written) ? Object.keys(written) : []
  for (const step of steps) {
    const child = (written as Record<string | number, unknown>)[step]
    const childSchemas = bases.flatMap((base) => childrenOf(base, step))
    visitSections(childSchemas, child, visit, [...path, step])
  }
}

function defOf(schema: Schema): z.core.$ZodTypes['_zod']['def'] {
  return (schema as z.core.$ZodTypes)._zod.def
}
