import { describe, expect, test } from 'vitest'
import { parseYaml } from './yaml-source.ts'

const problemsOf = (text: string): readonly string[] =>
  parseYaml(text).problems.map(
    ({ position, path, message }) => `${position.line}:${position.column} ${path && `${path} `}${message}`,
  )

describe('parseYaml', () => {
  test('reads YAML 1.2 and knows where keys and values stand', () => {
    const { value, keyPositions, valuePositions, problems } = parseYaml('a:\n  b: [1, yes]\n  "c d": x # note\n')
    expect(problems).toEqual([])
    expect(value).toEqual({ a: { b: [1, 'yes'], 'c d': 'x' } })
    expect(keyPositions.get('a.b')).toEqual({ line: 2, column: 3 })
    expect(valuePositions.get('a.b[1]')).toEqual({ line: 2, column: 10 })
    expect(valuePositions.get('a["c d"]')).toEqual({ line: 3, column: 10 })
  })

  test.each([
    ['empty', ''],
    ['a comment', '# nothing\n'],
    ['a document start', '---\n'],
  ])('%s has no value', (_, text) => {
    expect(parseYaml(text).value ?? undefined).toBeUndefined()
    expect(parseYaml(text).problems).toEqual([])
  })

  test.each([
    ['a: 1\na: 2\n', '2:1 a this key is already set above'],
    ['a: *hunter2\n', '1:4 a a value that starts with * refers to an anchor'],
    ['a: @hunter2\n', '1:4 a plain value cannot start with this character'],
    ['a: "x\n', '2:1 a closing quote, bracket, comma or colon is missing'],
    ['a: !secret hunter2\n', '1:4 a value that starts with ! has a type tag'],
    ['a:\n\tb: 1\n', '2:1 indent with spaces'],
    ['a: 1\n---\nb: 2\n', '2:1 the file holds several documents'],
    ['? [a, b]\n: 1\n', '1:3 a key must be a plain word'],
  ])('%j: %s', (text, problem) => {
    const problems = problemsOf(text)
    expect(problems[0]).toContain(problem)
    expect(problems.join()).not.toContain('hunter2')
  })

  test('every duplicate key is named, at any depth', () => {
    expect(problemsOf('a: 1\nb: { c: 1, c: 2 }\na: 3\n').map((line) => line.split(' ').slice(0, 2))).toEqual([
      ['2:12', 'b.c'],
      ['3:1', 'a'],
    ])
  })

  test('an alias gives an independent copy, so that overriding one leaves the other', () => {
    const { value } = parseYaml('a: &x { n: 1 }\nb: *x\n')
    expect(value).toEqual({ a: { n: 1 }, b: { n: 1 } })
    const { a, b } = value as { readonly a: unknown; readonly b: unknown }
    expect(a).not.toBe(b)
  })

  test('an alias bomb is refused', () => {
    const levels = 'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`)}]`)
    expect(problemsOf(`a: &a [x]\n${levels.join('\n')}`)).toEqual([expect.stringContaining('more than 100 aliases')])
  })

  test('an alias to itself is refused', () => {
    expect(problemsOf('a: &a [*a]')).toEqual([expect.stringMatching(/nested more than 64 levels|starts with \*/)])
  })

  test.each([
    ['brackets', '['.repeat(10_000)],
    ['closed brackets', `${'['.repeat(80)}${']'.repeat(80)}`],
    ['sections', Array.from({ length: 70 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('deep %s are refused', (_, text) => {
    expect(problemsOf(text)).toContainEqual(expect.stringContaining('nested more than 64 levels deep'))
  })

  test('more than 1 MB is refused unread', () => {
    expect(problemsOf(`# ${'x'.repeat(1_048_576)}`)).toEqual(['1:1 longer than 1048576 bytes'])
  })

  test('a key named __proto__ is a key', () => {
    const { value } = parseYaml('__proto__: { polluted: true }\n')
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect('polluted' in {}).toBe(false)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })
})
