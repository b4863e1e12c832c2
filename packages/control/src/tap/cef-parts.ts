/** A line of CEF taken apart so that it can be put together again, and which of its fields tell of persons. */

interface CefField {
  readonly key: string
  /** As it stands in the line, escapes and all. */
  readonly value: string
}

/** @returns undefined for what is no CEF. */
export function partsOfCef(
  line: string,
): { readonly header: string; readonly fields: readonly CefField[] } | undefined {
  const begin = line.indexOf('CEF:')
  if (begin === -1) return undefined
  let bars = 0
  let at = begin
  for (; at < line.length && bars < 7; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === '|') bars++
  }
  if (bars < 7) return undefined
  const extension = line.slice(at)
  const starts = [...extension.matchAll(/(?:^| )([A-Za-z0-9_]+)=/g)]
  const fields = starts.map((match, index) => ({
    key: match[1] ?? '',
    value: extension.slice(match.index + match[0].length, starts[index + 1]?.index ?? extension.length),
  }))
  return { header: line.slice(0, at), fields }
}

const personalFields = new Set(
  'suser duser suid duid sntdom dntdom dvc dvchost deviceDnsDomain src dst shost dhost sourceTranslatedAddress destinationTranslatedAddress c6a1 c6a2 c6a3 c6a4 smac dmac dvcmac'.split(
    ' ',
  ),
)
/** Of fields whose label says what they hold. */
const personalLabels = /targetObjects|user|account|name|address|device|machine/i

/** Says of a line's fields which tell of persons, some by their labels. */
export function personalFieldsOf(fields: readonly CefField[]): (key: string) => boolean {
  const labelled = fields.flatMap(({ key, value }) => {
    const [, name] = /^(cs\d)Label$/.exec(key) ?? []
    return name !== undefined && personalLabels.test(value) ? [name] : []
  })
  const personal = new Set([...personalFields, ...labelled])
  return (key) => personal.has(key)
}

export function isFreeTextCefField(key: string): boolean {
  return key === 'msg' || key === 'reason'
}
