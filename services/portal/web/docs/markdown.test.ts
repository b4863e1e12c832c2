import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseInline, parseMarkdown, resolveLink, slugOf } from './markdown.ts'

describe('parseMarkdown', () => {
  test('reads headings, paragraphs over lines, lists and code', () => {
    expect(parseMarkdown('# A `b`\n\none\ntwo\n\n- x\n  y\n- z\n\n```sh\na | b\n```\n')).toEqual([
      {
        kind: 'heading',
        level: 1,
        id: 'a-b',
        text: [
          { kind: 'text', text: 'A ' },
          { kind: 'code', text: 'b' },
        ],
      },
      { kind: 'paragraph', text: [{ kind: 'text', text: 'one two' }] },
      { kind: 'list', isOrdered: false, items: [[{ kind: 'text', text: 'x y' }], [{ kind: 'text', text: 'z' }]] },
      { kind: 'code', text: 'a | b' },
    ])
  })

  test('reads tables; a bar in a cell is escaped', () => {
    expect(parseMarkdown('| a | b |\n| --- | --- |\n| 1 \\| 2 | `x` |')).toEqual([
      {
        kind: 'table',
        head: [[{ kind: 'text', text: 'a' }], [{ kind: 'text', text: 'b' }]],
        rows: [[[{ kind: 'text', text: '1 | 2' }], [{ kind: 'code', text: 'x' }]]],
      },
    ])
  })

  test('markup of HTML stays text', () => {
    expect(parseMarkdown('<img src=x onerror=alert(1)>')).toEqual([
      { kind: 'paragraph', text: [{ kind: 'text', text: '<img src=x onerror=alert(1)>' }] },
    ])
  })

  test('comes to an end on every page of the documentation, and loses none of its headings', () => {
    const docs = join(import.meta.dirname, '../../../../docs')
    const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'))
    expect(pages.length).toBeGreaterThan(20)
    for (const page of pages) {
      const text = readFileSync(join(docs, page), 'utf8').replace(/```[\s\S]*?```/g, '')
      const headings = parseMarkdown(text).filter(({ kind }) => kind === 'heading')
      expect(headings.length, page).toBe(text.match(/^#{1,6}\s/gm)?.length ?? 0)
    }
  })
})

test('parseInline knows code, strong, emphasis and links, and leaves names with underscores alone', () => {
  expect(parseInline('a `b*c*` **d** *e* [f](g.md) siem_relay_x_total')).toEqual([
    { kind: 'text', text: 'a ' },
    { kind: 'code', text: 'b*c*' },
    { kind: 'text', text: ' ' },
    { kind: 'strong', text: 'd' },
    { kind: 'text', text: ' ' },
    { kind: 'em', text: 'e' },
    { kind: 'text', text: ' ' },
    { kind: 'link', text: 'f', href: 'g.md' },
    { kind: 'text', text: ' siem_relay_x_total' },
  ])
})

test('slugOf names headings as GitHub does', () =>
  expect(slugOf('Disabled: two days, not more')).toBe('disabled-two-days-not-more'))

describe('resolveLink', () => {
  test('finds pages beside and above, and web addresses', () => {
    expect(resolveLink('../operating/errors.md#retry', 'using/agents.md')).toEqual({
      page: 'operating/errors.md#retry',
    })
    expect(resolveLink('https://learn.microsoft.com/x', 'using/agents.md')).toEqual({
      url: 'https://learn.microsoft.com/x',
    })
  })

  test('leads nowhere else', () => {
    expect(resolveLink('javascript:alert(1)', 'using/agents.md')).toEqual({})
    expect(resolveLink('../../app/src/main.ts', 'using/agents.md')).toEqual({})
    expect(resolveLink('//evil.example/docs/a.md', 'using/agents.md')).toEqual({})
  })
})
