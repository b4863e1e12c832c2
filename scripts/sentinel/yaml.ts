/** Values as YAML in the manner of the content hub: blocks, texts of several lines as literal blocks. */

export function yamlText(value: object): string {
  return `${lines(value).join('\n')}\n`
}

function lines(value: unknown): readonly string[] {
  if (!isBlock(value)) return [scalar(value)]
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const [first = '', ...rest] = lines(item)
      return [`- ${first}`, ...rest.map((line) => indented(line))]
    })
  return Object.entries(value).flatMap(([key, of]): readonly string[] => {
    if (typeof of === 'string' && of.includes('\n')) return [`${key}: |`, ...of.split('\n').map(indented)]
    const inner = lines(of)
    return isBlock(of) ? [`${key}:`, ...inner.map(indented)] : [`${key}: ${inner[0] ?? ''}`]
  })
}

/** Does it take lines of its own? */
function isBlock(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function indented(line: string): string {
  return line === '' ? '' : `  ${line}`
}

/** Plain where nothing could take it for something else. */
function scalar(value: unknown): string {
  return typeof value === 'string' &&
    /^[A-Za-z][\w./ -]*$/.test(value) &&
    !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value)
}
