/** What of a definition is a secret: credentials in the address of a proxy. It goes out as '' and stays as it is when it comes back
 *  so. All other secrets are names of files. */

type Definition = Readonly<Record<string, unknown>>

export function withoutSecrets(definition: Definition): Record<string, unknown> {
  const sentinel = sectionOf(definition, 'sentinel')
  const proxy = sentinel?.proxy
  const isSecret = typeof proxy === 'string' && proxy.includes('@')
  return isSecret ? { ...definition, sentinel: { ...sentinel, proxy: '' } } : definition
}

/** @param before the definition as it is kept. */
export function withSecretsOf(before: Definition, definition: Definition): Record<string, unknown> {
  const sentinel = sectionOf(definition, 'sentinel')
  const kept = sectionOf(before, 'sentinel')?.proxy
  const isKept = sentinel?.proxy === '' && kept !== undefined
  return isKept ? { ...definition, sentinel: { ...sentinel, proxy: kept } } : definition
}

function sectionOf(definition: Definition, section: string): Definition | undefined {
  const part = definition[section]
  return typeof part === 'object' && part !== null && !Array.isArray(part) ? (part as Definition) : undefined
}

/** Where two definitions differ, two levels deep, such as `syslog.host`: what the audit log says of a change. */
export function changedPaths(before: Definition, after: Definition): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) => {
    const [left, right] = [sectionOf(before, key), sectionOf(after, key)]
    if (left === undefined && right === undefined) return isSame(before[key], after[key]) ? [] : [key]
    const parts = new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])
    return [...parts].filter((part) => !isSame(left?.[part], right?.[part])).map((part) => `${key}.${part}`)
  })
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
