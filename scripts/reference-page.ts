/** The form of reference pages made from the code. */

const generatedMark = '<!-- Made by `npm run docs` from the code: change it there. -->'

export function page(title: string, lead: string, ...parts: readonly string[]): string {
  return `# ${title}\n${generatedMark}\n\n${[lead, ...parts].join('\n\n')}\n`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) throw new Error('a reference without rows: the code it is made from has changed its shape')
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
