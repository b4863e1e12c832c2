/** Environment variables over the file: `SIEM_RELAY_BUS__PATH` sets `bus.path`. Names are checked as strictly as keys in the
 *  file; whether the values fit is the schema's to say. */
import { formatPath, isSection, type Path, valueAt } from './path.ts'
import {
  alternatives,
  childrenOf,
  fileKeyOf,
  isSecret,
  keysOf,
  kindOf,
  kindsOf,
  type Schema,
  settingsOf,
} from './schema-walk.ts'
import { closest } from './suggest.ts'
import { parseYaml } from './yaml-source.ts'

export interface EnvironmentInput {
  readonly schema: Schema
  /** What the file says; the variables are written into it. */
  readonly written: Record<string, unknown>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly prefix: string
  /** Names with the prefix that mean something else. */
  readonly ignored: readonly string[]
}

export interface EnvironmentResult {
  /** Which variable set what, by formatted path. */
  readonly variables: ReadonlyMap<string, string>
  readonly problems: readonly { readonly variable: string; readonly path: string; readonly message: string }[]
  readonly warnings: readonly string[]
}

/** Applies every variable with the prefix. An empty one counts as not set, as compose files write `${NAME:-}`. */
export function applyEnvironment({ schema, written, env, prefix, ignored }: EnvironmentInput): EnvironmentResult {
  const variables = new Map<string, string>()
  const problems: { variable: string; path: string; message: string }[] = []
  const warnings: string[] = []
  for (const variable of Object.keys(env).sort()) {
    const text = env[variable]
    if (!variable.startsWith(prefix) || ignored.includes(variable) || text === undefined || text === '') continue
    const name = variable.slice(prefix.length)
    const target = findTarget(schema, written, name.split('__'), prefix)
    if ('message' in target) {
      if (isFromKubernetes(name, text))
        warnings.push(
          `${variable} is ignored: Kubernetes sets it for a Service; enableServiceLinks: false in the pod avoids it`,
        )
      else problems.push({ variable, path: formatPath(target.path), message: target.message })
      continue
    }
    const path = formatPath(target.path)
    const value = valueFrom(text, target.schemas)
    const refusal = value.message ?? assign(written, target.path, value.value)
    if (refusal === undefined) variables.set(path, variable)
    else problems.push({ variable, path, message: refusal })
  }
  return { variables, problems, warnings }
}

/** How a key or id is spelt in a variable's name: `clientSecret` and `client-secret` are `CLIENT_SECRET`. */
function spell(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]/g, '_')
    .toUpperCase()
}

type Target =
  | { readonly path: Path; readonly schemas: readonly Schema[] }
  | { readonly path: Path; readonly message: string }

function findTarget(root: Schema, written: unknown, segments: readonly string[], prefix: string): Target {
  const path: (string | number)[] = []
  let schemas: readonly Schema[] = [root]
  for (const [depth, segment] of segments.entries()) {
    const step = stepFor(schemas, valueAt(written, path), segment)
    if ('message' in step) {
      const before = [...segments.slice(0, depth), ''].join('__')
      const nearest = closest(segment, step.candidates)
      const suggestion = nearest === undefined ? '' : `; did you mean ${prefix}${before}${nearest}?`
      return { path, message: `${step.message}${suggestion}` }
    }
    schemas = step.schemas
    path.push(step.step)
  }
  return { path, schemas }
}

type Step =
  | { readonly step: string | number; readonly schemas: readonly Schema[] }
  | { readonly message: string; readonly candidates: readonly string[] }

function stepFor(schemas: readonly Schema[], value: unknown, segment: string): Step {
  const keys = [...keysOf(schemas)]
  const key = keys.find((candidate) => spell(candidate) === segment)
  if (key !== undefined) return { step: key, schemas: settingSchemas(schemas, key) }
  const bases = schemas.flatMap(alternatives)
  const candidates = keys.map(spell)
  if (kindsOf(bases).has('list')) {
    const elements = Array.isArray(value) ? value : []
    const ids = elements.map((element: unknown) => (isSection(element) ? spell(String(element.id)) : undefined))
    const index = ids.includes(segment) ? ids.indexOf(segment) : /^\d{1,4}$/.test(segment) ? Number(segment) : undefined
    if (ids.filter((id) => id === segment).length > 1)
      return { message: `several elements have ids spelt ${segment}; use the index instead`, candidates: [] }
    if (index !== undefined && index > elements.length)
      return { message: `there are ${elements.length} elements; the next index is ${elements.length}`, candidates: [] }
    if (index !== undefined) return { step: index, schemas: bases.flatMap((base) => childrenOf(base, index)) }
    candidates.push(...ids.filter((id) => id !== undefined))
    return { message: `there is no element with this id or index (${JSON.stringify(segment)})`, candidates }
  }
  const record = bases.flatMap((base) => (settingsOf(base).length === 0 ? childrenOf(base, segment) : []))
  if (record.length > 0 && segment !== '') {
    const known = isSection(value) ? Object.keys(value).find((candidate) => spell(candidate) === segment) : undefined
    return { step: known ?? segment.toLowerCase(), schemas: record }
  }
  return { message: `there is no setting ${JSON.stringify(segment)} here`, candidates }
}

/** Of a key's own schema, or of the secret whose file it names. */
function settingSchemas(schemas: readonly Schema[], key: string): readonly Schema[] {
  const own = schemas.flatMap((schema) => childrenOf(schema, key))
  if (own.length > 0) return own
  return schemas.flatMap(settingsOf).flatMap(([name, child]) => (fileKeyOf(name) === key ? [child] : []))
}

/** Text stays text where the schema wants text; else it is read as YAML, and a plain text for a list is split at commas. */
function valueFrom(text: string, schemas: readonly Schema[]): { readonly value?: unknown; readonly message?: string } {
  const kinds = kindsOf(schemas)
  const hasLineBreak = /[\r\n\0]/.test(text)
  if (kinds.size === 1 && kinds.has('string')) {
    if (hasLineBreak && !schemas.some(isSecret)) return { message: 'contains a line break; write it on one line' }
    return { value: text }
  }
  const { value, problems } = parseYaml(text)
  const isPlain = problems.length > 0 || typeof value !== 'object'
  if (isPlain && kinds.has('list') && !kinds.has('string')) {
    const elementSchemas = schemas.flatMap((schema) => childrenOf(schema, 0))
    return { value: text.split(',').map((element) => valueFrom(element.trim(), elementSchemas).value) }
  }
  if (hasLineBreak && isPlain) return { message: 'contains a line break; write it on one line' }
  if (problems.length === 0 && (kinds.has(kindOf(value)) || kinds.has('any'))) return { value }
  if (kinds.has('string')) return { value: text }
  return problems.length > 0 ? { message: 'is not valid YAML; check quotes and brackets' } : { value }
}

/** @returns why it cannot be set, or undefined when it is. */
function assign(root: Record<string, unknown>, path: Path, value: unknown): string | undefined {
  let container: unknown = root
  for (const [depth, step] of path.entries()) {
    const fits = typeof step === 'number' ? Array.isArray(container) : isSection(container)
    if (!fits)
      return `${formatPath(path.slice(0, depth))} is not a ${typeof step === 'number' ? 'list' : 'section'} in the file`
    const holder = container as Record<string | number, unknown>
    if (depth === path.length - 1) holder[step] = value
    else holder[step] ??= typeof path[depth + 1] === 'number' ? [] : {}
    container = holder[step]
  }
  return undefined
}

/** Docker-style links of a Kubernetes Service called siem-relay or siem-relay-….
 *  @see https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
function isFromKubernetes(name: string, text: string): boolean {
  if (/(^|_)SERVICE_(HOST|PORT)(_|$)/.test(name)) return true
  if (/(^|_)PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$/.test(name)) return true
  return /(^|_)PORT(_\d+_(TCP|UDP|SCTP))?$/.test(name) && /^(tcp|udp|sctp):\/\//.test(text)
}
