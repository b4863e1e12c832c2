/** Docs that cannot drift: pages made from the code are as the code makes them, links lead somewhere, decisions are in order. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { productionDependencies } from '../scripts/dependencies.ts'
import { generatedDocs } from '../scripts/generated-docs.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('pages made from the code', async () => {
  test.each([...(await generatedDocs())])('%s is what `npm run docs` writes', (path, text) =>
    expect(read(path)).toBe(text),
  )
})

test('relative links lead to files that exist', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  expect(pages.length).toBeGreaterThan(5)
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page} -> ${link}`),
  )
  expect(broken).toEqual([])
})

test('every decision record is numbered in order and has a status and a date', () => {
  const records = globSync('docs/adr/*.md', { cwd: root }).toSorted()
  expect(records.length).toBeGreaterThan(0)
  records.forEach((path, index) => {
    expect(path).toMatch(new RegExp(`/${String(index + 1).padStart(4, '0')}-[a-z0-9-]+\\.md$`))
    expect(read(path)).toMatch(/^Status: (accepted|superseded by \d{4}) \(\d{4}-\d\d-\d\d\)$/m)
  })
})

test('every environment and npm command named in the README exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...read('README.md').matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+|bench|check|docs)\b/g)].map(
    (match) => match[1] ?? '',
  )
  expect(named.length).toBeGreaterThan(1)
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
})

test('what runs in production may be passed on with an Apache-2.0 program', () => {
  const permissive = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'])
  const dependencies = productionDependencies(root)
  expect(dependencies.length).toBeGreaterThan(10)
  expect(dependencies.filter(({ license }) => !permissive.has(license))).toEqual([])
})
