/** Shows a configuration as it is in force: YAML with every value's origin beside it and no secret in it. */
import { Document, isMap, isScalar, isSeq } from 'yaml'
import type { Origins } from './load.ts'
import { formatPath, type Path } from './path.ts'
import { redacted, Secret, withoutCredentials } from './secret.ts'

/** @param config what `loadConfig` returned, or a part of it at the root. */
export function renderConfig(config: unknown, origins: Origins): string {
  const document = new Document(withoutSecrets(config))
  annotate(document.contents, [], origins)
  return document.toString({ lineWidth: 0 })
}

function withoutSecrets(value: unknown): unknown {
  if (value instanceof Secret) return redacted
  if (typeof value === 'string') return withoutCredentials(value)
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, child]) => child !== undefined)
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutSecrets(child)]))
}

function annotate(node: unknown, path: Path, origins: Origins): void {
  if (isScalar(node)) {
    if (path.length > 0) node.comment = ` ${originOf(path, origins)}`
  } else if (isMap(node)) {
    for (const { key, value } of node.items)
      annotate(value, [...path, isScalar(key) ? String(key.value) : String(key)], origins)
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) annotate(item, [...path, index], origins)
  }
}

/** A value the schema made out of a written one (a list out of a single text) has that one's origin. */
function originOf(path: Path, origins: Origins): string {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(formatPath(path.slice(0, length)))
    if (origin !== undefined) return origin
  }
  return 'default'
}
