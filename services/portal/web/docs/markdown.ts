/** The part of Markdown the documentation is written in, as data: headings, paragraphs, lists, tables, code, links. Pure. What it does not
 *  know stays text. */

export type Inline =
  | { readonly kind: 'text' | 'code' | 'strong' | 'em'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly text: readonly Inline[]; readonly id: string }
  | { readonly kind: 'paragraph'; readonly text: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'list'; readonly isOrdered: boolean; readonly items: readonly (readonly Inline[])[] }
  | {
      readonly kind: 'table'
      readonly head: readonly (readonly Inline[])[]
      readonly rows: readonly (readonly (readonly Inline[])[])[]
    }

const listItem = /^(\s*)([-*]|\d+\.)\s+(.*)$/

export function parseMarkdown(text: string): readonly Block[] {
  const lines = text.replace(/<!--[\s\S]*?-->/g, '').split(/\r?\n/)
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? ''
    const heading = /^(#{1,6})\s+(.*)$/.exec(line)
    if (line.trim() === '') at++
    else if (line.startsWith('```')) {
      const end = lines.findIndex((one, index) => index > at && one.startsWith('```'))
      const last = end < 0 ? lines.length : end
      blocks.push({ kind: 'code', text: lines.slice(at + 1, last).join('\n') })
      at = last + 1
    } else if (heading !== null) {
      const [, marks = '', title = ''] = heading
      blocks.push({ kind: 'heading', level: marks.length, text: parseInline(title), id: slugOf(title) })
      at++
    } else if (line.startsWith('|') && /^\|[\s:|-]+\|$/.test(lines[at + 1] ?? '')) {
      const end = endOf(lines, at + 2, (one) => one.startsWith('|'))
      blocks.push({ kind: 'table', head: cellsOf(line), rows: lines.slice(at + 2, end).map(cellsOf) })
      at = end
    } else if (listItem.test(line)) {
      const end = endOf(lines, at, (one) => listItem.test(one) || /^\s{2,}\S/.test(one))
      blocks.push(listOf(lines.slice(at, end)))
      at = end
    } else {
      const end = endOf(
        lines,
        at + 1,
        (one) => one.trim() !== '' && !/^(#{1,6}\s|```|\|)/.test(one) && !listItem.test(one),
      )
      blocks.push({ kind: 'paragraph', text: parseInline(lines.slice(at, end).join(' ')) })
      at = end
    }
  }
  return blocks
}

function endOf(lines: readonly string[], from: number, belongs: (line: string) => boolean): number {
  const end = lines.findIndex((line, index) => index >= from && !belongs(line))
  return end < 0 ? lines.length : end
}

/** Lists in lists become one: the indent is lost, no text is. */
function listOf(lines: readonly string[]): Block {
  const items: string[] = []
  for (const line of lines) {
    const item = listItem.exec(line)
    if (item !== null) items.push(item[3] ?? '')
    else items.push(`${items.pop() ?? ''} ${line.trim()}`)
  }
  return { kind: 'list', isOrdered: /^\s*\d/.test(lines[0] ?? ''), items: items.map(parseInline) }
}

/** A bar in a cell is written `\|`. */
function cellsOf(line: string): readonly (readonly Inline[])[] {
  const cells = line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
  return cells.map((cell) => parseInline(cell.trim().replaceAll('\\|', '|')))
}

const inline = /`([^`]+)`|!?\[([^\]]*)\]\(([^)\s]+)\)|\*\*([^*]+)\*\*|(?<![\w*])[*_]([^*_\s][^*_]*)[*_](?!\w)/g

export function parseInline(text: string): readonly Inline[] {
  const parts: Inline[] = []
  let end = 0
  for (const match of text.matchAll(inline)) {
    const [whole, code, label, href, strong, em] = match
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) })
    end = match.index + whole.length
    if (code !== undefined) parts.push({ kind: 'code', text: code })
    else if (href !== undefined) {
      const plain = (label ?? '').replace(/[`*]/g, '')
      if (!whole.startsWith('!')) parts.push({ kind: 'link', text: plain, href })
    } else if (strong !== undefined) parts.push({ kind: 'strong', text: strong.replaceAll('`', '') })
    else parts.push({ kind: 'em', text: em ?? '' })
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) })
  return parts
}

/** As GitHub names headings. */
export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}

/** Where a link of a page of the documentation leads: another page, a web address, or nothing the portal has. */
export function resolveLink(href: string, page: string): { readonly page?: string; readonly url?: string } {
  if (/^https?:\/\//.test(href)) return { url: href }
  const base = 'https://docs.invalid/docs/'
  const { pathname, origin, hash } = new URL(href, base + page)
  if (origin !== 'https://docs.invalid' || !pathname.startsWith('/docs/') || !pathname.endsWith('.md')) return {}
  return { page: pathname.slice('/docs/'.length) + hash }
}
