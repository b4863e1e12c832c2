import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type LoadOptions, loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'
import { secret } from './secret.ts'

const schema = z.strictObject({
  bus: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('sqlite'), path: z.string().min(1).default('./data') }),
      z.strictObject({ type: z.literal('kafka'), brokers: z.array(z.string().min(1)).min(1) }),
    ])
    .prefault({ type: 'sqlite' }),
  sources: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z-]+$/, 'use lower-case letters'),
        url: z.url(),
        token: secret(),
        proxy: z.url().optional(),
        requestsPerMinute: z.int().min(1).max(1_000).default(30),
      }),
    )
    .default([]),
  admin: z
    .strictObject({ listen: z.string().min(1).default('127.0.0.1:9464'), note: z.string().optional() })
    .prefault({}),
  systemName: z.union([z.boolean(), z.string().min(1)]).default(true),
  labels: z.record(z.string(), z.string()).default({}),
})

type Options = Partial<LoadOptions<typeof schema>>

const load = (text: string, options: Options = {}) =>
  loadConfig({ schema, text, file: 'siem-relay.yaml', env: {}, readFile: noFiles, ...options })

function noFiles(): never {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
}

function problemsOf(text: string, options: Options = {}): readonly string[] {
  try {
    load(text, options)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

const contoso = 'sources:\n  - id: contoso\n    url: https://contoso.example\n    token: hunter2\n'

describe('a file', () => {
  test('that is empty means defaults', () => {
    for (const text of ['', '# nothing\n', '---\n', 'admin:\n', 'admin:\n  # listen: x\nbus: {type: sqlite, path: }\n'])
      expect(load(text).config).toMatchObject({
        bus: { type: 'sqlite', path: './data' },
        sources: [],
        admin: { listen: '127.0.0.1:9464' },
      })
  })

  test('is read from its path when no text is given', () => {
    const directory = mkdtempSync(join(tmpdir(), 'relay-config-'))
    try {
      writeFileSync(join(directory, 'siem-relay.yaml'), 'admin: { listen: 127.0.0.1:1 }')
      const { config } = loadConfig({ schema, file: join(directory, 'siem-relay.yaml'), env: {} })
      expect(config.admin.listen).toBe('127.0.0.1:1')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('that is not there is a problem with the next move', () => {
    expect(() => loadConfig({ schema, file: '/nowhere/siem-relay.yaml', env: {} })).toThrow(
      '/nowhere/siem-relay.yaml: there is no such file (ENOENT): check the path',
    )
  })

  test.each(['- a\n', 'text\n', '5\n'])('that holds no settings (%j) is refused', (text) => {
    expect(problemsOf(text)).toEqual(['siem-relay.yaml:1:1: expected settings, one `key: value` per line'])
  })

  test('that is not YAML is refused at line and column', () => {
    expect(problemsOf('admin: { listen: "x\n')).toEqual([
      'siem-relay.yaml:2:1: a closing quote, bracket, comma or colon is missing',
    ])
  })
})

describe('problems', () => {
  test('come all at once, in file order, with place, path, value and suggestion', () => {
    const text = [
      'bus: { type: sqlite, paht: ./x }',
      'sources:',
      '  - id: Contoso',
      '    url: contoso',
      '    token: 5',
      '    requestsPerMinute: 0',
      'admin:',
      '  listen: 9464',
      'systemName: 7',
    ].join('\n')
    expect(problemsOf(text)).toEqual([
      'siem-relay.yaml:1:22 bus.paht: unknown key `paht`; did you mean `path`?',
      'siem-relay.yaml:3:9 sources[0].id: use lower-case letters, got "Contoso"',
      'siem-relay.yaml:4:10 sources[0].url: Invalid URL, got "contoso"',
      'siem-relay.yaml:5:12 sources[0].token: expected text (put it in quotes)',
      'siem-relay.yaml:6:24 sources[0].requestsPerMinute: must be at least 1, got 0',
      'siem-relay.yaml:8:11 admin.listen: expected text (put it in quotes), got 9464',
      'siem-relay.yaml:9:13 systemName: expected true or false or text, got 7',
    ])
  })

  test.each([
    [
      'a missing value points at what it is missing in',
      'sources:\n  - id: a\n    token: x\n',
      '2:5 sources[0].url: is required (text)',
    ],
    [
      'a value left empty is missing where it stands',
      'sources:\n  - { id: a, token: x, url: }\n',
      '2:24 sources[0].url: is required (text)',
    ],
    [
      'a missing secret names both ways to give it',
      'sources:\n  - { id: a, url: "https://a" }\n',
      '2:5 sources[0].token: is required: set `token`, or `tokenFile` with the path',
    ],
    [
      'a missing choice names the choices',
      'bus: { path: x }\n',
      '1:1 bus.type: is required (one of "sqlite", "kafka")',
    ],
    [
      'a wrong choice names the nearest',
      'bus: { type: sqlte }\n',
      '1:14 bus.type: expected one of "sqlite", "kafka", got "sqlte"; did you mean "sqlite"?',
    ],
    [
      'an unknown key without a near one lists what is known',
      'admin: { zebra: 1 }\n',
      '1:10 admin.zebra: unknown key `zebra`; known here: `listen`, `note`',
    ],
    [
      'a key of another type is not suggested',
      'bus: { type: sqlite, brokers: [a] }\n',
      '1:22 bus.brokers: unknown key `brokers`; known here: `type`, `path`',
    ],
    [
      'a misspelt file of a secret is recognised',
      `${contoso}    tokenFiel: x\n`,
      '5:5 sources[0].tokenFiel: unknown key `tokenFiel`; did you mean `tokenFile`?',
    ],
    ['a section where a list belongs', 'sources: { a: 1 }\n', '1:10 sources: expected a list, got a section'],
    ['a text where a section belongs', 'admin: x\n', '1:8 admin: expected a section, got "x"'],
    [
      'a quoted number',
      `${contoso}    requestsPerMinute: "30"\n`,
      '5:24 sources[0].requestsPerMinute: expected a number (without quotes), got "30"',
    ],
    ['a merge key', 'admin: { <<: { listen: x } }\n', '1:10 admin["<<"]: unknown key `<<`'],
    ['a prototype key', '__proto__: { listen: x }\n', '1:1 __proto__: unknown key `__proto__`'],
  ])('%s', (_, text, problem) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`siem-relay.yaml:${problem}`)
  })

  test('never show a secret, nor a password in a URL', () => {
    const text =
      'sources:\n  - { id: a, url: "https://u:hunter2@", token: [hunter2] }\n  - { id: b, url: 5, token: hunter2, tokenFile: hunter2.txt, proxy: "//me:hunter2@x" }\n'
    const problems = problemsOf(text)
    expect(problems.length).toBeGreaterThan(3)
    expect(problems.join('\n')).not.toContain('hunter2')
  })

  test('cannot be forged by keys or values', () => {
    const text = '"a\\nsiem-relay.yaml:1:1 x": 1\nadmin: { listen: [ "\\u001b[31m" ], note: 5 }\n'
    const problems = problemsOf(text)
    expect(problems).toHaveLength(3)
    expect(problems.join('')).not.toContain('\u001b')
  })

  test('are bounded', () => {
    const keys = Array.from({ length: 300 }, (_, index) => `unknown${index}: 1`)
    const problems = problemsOf(keys.join('\n'))
    expect(problems).toHaveLength(101)
    expect(problems.at(-1)).toBe('… and 200 more')
  })

  test('are an error of the configuration', () => {
    expect(() => load('x: 1')).toThrow(
      expect.objectContaining({
        code: 'RELAY_CONFIG_INVALID',
        problems: [{ place: 'siem-relay.yaml:1:1', path: 'x', message: expect.stringContaining('unknown key `x`') }],
      }),
    )
  })
})

describe('origins', () => {
  test('say where every value was written; defaults are not among them', () => {
    const { origins } = load(`${contoso}admin:\n  listen: 127.0.0.1:1\n`, {
      env: { SIEM_RELAY_SYSTEM_NAME: 'false', SIEM_RELAY_ADMIN__LISTEN: '127.0.0.1:2' },
    })
    expect(Object.fromEntries(origins)).toEqual({
      'sources[0].id': 'siem-relay.yaml:2:9',
      'sources[0].url': 'siem-relay.yaml:3:10',
      'sources[0].token': 'siem-relay.yaml:4:12',
      'admin.listen': 'environment SIEM_RELAY_ADMIN__LISTEN',
      systemName: 'environment SIEM_RELAY_SYSTEM_NAME',
    })
  })
})
