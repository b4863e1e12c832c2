/** Docs that cannot drift: pages made from the code are as the code makes them, links lead somewhere, decisions are in order. */
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../app/src/cli.ts'
import { systemTerminal } from '../app/src/terminal.ts'
import { runInProcess } from '../app/src/testing/terminal.ts'
import { productionDependencies } from '../scripts/dependencies.ts'
import { generatedDocs } from '../scripts/generated-docs.ts'
import { pagesWithCommands } from './support/doc-page.ts'

type Command = ReturnType<typeof buildProgram>

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

describe('commands in the docs', () => {
  const program = buildProgram(systemTerminal)
  const lines = pagesWithCommands().flatMap(({ path, commands }) =>
    commands
      .map(({ text }) => /^(?:sudo )?(?:npx )?siem-relay (.*?)(?: [|>&].*)?$/.exec(text)?.[1])
      .filter((line) => line !== undefined)
      .map((line) => [path, line] as const),
  )

  test('were found', () => expect(lines.length).toBeGreaterThan(20))

  test.each(lines)('%s: siem-relay %s', (_, line) => expect(problemsOf(program, wordsOfShell(line))).toEqual([]))

  test('a command that is not there, and an option it does not have, would be found', () => {
    expect(problemsOf(program, ['dlq', 'lst'])).toEqual(['dlq has no command lst'])
    expect(problemsOf(program, ['tap', 'raw', '--lmit=3'])).toEqual(['tap has no option --lmit'])
    expect(problemsOf(program, ['tap', 'rww'])).toEqual(['tap does not take rww'])
  })

  test('every command that shows something gives JSON too', () => {
    const readers = [
      'validate',
      'preview',
      'replay',
      'top',
      'tap',
      'test',
      'doctor',
      'lag',
      'sources',
      'echo-config',
      'health',
    ]
    const commands = [...program.commands, ...program.commands.flatMap((command) => command.commands)]
    for (const name of [...readers, 'list', 'show', 'explain']) {
      const command = commands.find((one) => one.name() === name)
      expect(
        command?.options.some(({ long }) => long === '--json'),
        name,
      ).toBe(true)
    }
  })
})

test('the tests in docs/using/tests.md pass', async () => {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/using/tests.md')) ?? []
  const cwd = mkdtempSync(join(tmpdir(), 'siem-relay-docs-'))
  try {
    mkdirSync(join(cwd, 'samples'))
    writeFileSync(join(cwd, 'samples', 'low-alert.json'), '{"_id":"a2","title":"x","severityValue":0}')
    const agents = [{ id: 'soc', console: true, alerts: { filter: { severity: { eq: [1, 2] } } } }]
    writeFileSync(join(cwd, 'siem-relay.yaml'), JSON.stringify({ agents }))
    writeFileSync(join(cwd, 'siem-relay.test.yaml'), yaml)
    const { code, out } = await runInProcess(['test'], { cwd })
    expect(out).toMatch(/3 tests: 3 ok, 0 failed\n$/)
    expect(code).toBe(0)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
})

/** As a shell takes them apart, as far as the docs use it. */
function wordsOfShell(line: string): readonly string[] {
  const words = line.replace(/\s+#.*$/, '').match(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g) ?? []
  return words.map((word) => word.replaceAll(/['"]/g, ''))
}

/** What commander would refuse, without running anything. */
function problemsOf(command: Command, words: readonly string[]): readonly string[] {
  const [word, ...rest] = words
  if (command.commands.length > 0 && word !== undefined && !word.startsWith('-')) {
    const next = command.commands.find((one) => one.name() === word)
    if (word === 'help') return []
    return next === undefined ? [`${command.name()} has no command ${word}`] : problemsOf(next, rest)
  }
  const problems: string[] = []
  const taken: string[] = []
  for (let at = 0; at < words.length; at++) {
    const [flag = '', value] = (words[at] ?? '').split('=', 2)
    if (!flag.startsWith('-') || flag === '-') {
      taken.push(flag)
      continue
    }
    const option = command.options.find(({ short, long }) => short === flag || long === flag)
    if (option === undefined) {
      if (flag !== '--help' && flag !== '-h') problems.push(`${command.name()} has no option ${flag}`)
    } else if ((option.required || option.optional) && value === undefined) at++
  }
  const choices = command.registeredArguments[0]?.argChoices
  for (const one of taken) if (choices?.includes(one) === false) problems.push(`${command.name()} does not take ${one}`)
  return problems
}

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
