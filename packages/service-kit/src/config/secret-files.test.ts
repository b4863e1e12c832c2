import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'
import { secret } from './secret.ts'

const schema = z.strictObject({
  auth: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('oauth'), clientSecret: secret() }),
    z.strictObject({ type: z.literal('token'), token: secret() }),
  ]),
  password: secret().optional(),
})

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'relay-secrets-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function secretFile(text: string, mode = 0o600, name = 'token'): string {
  writeFileSync(join(directory, name), text)
  chmodSync(join(directory, name), mode)
  return join(directory, name)
}

const load = (text: string, env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ schema, text, file: join(directory, 'siem-relay.yaml'), env })

function problemsOf(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    load(text, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  return []
}

const tokenOf = ({ config }: ReturnType<typeof load>): string | undefined =>
  config.auth.type === 'token' ? config.auth.token.reveal() : undefined

describe('a secret', () => {
  test('may stand in the file', () => {
    expect(tokenOf(load('auth: { type: token, token: abc }'))).toBe('abc')
  })

  test.each([
    ['abc', 'abc'],
    ['abc\n', 'abc'],
    ['abc\r\n', 'abc'],
    ['abc\n\n', 'abc\n'],
    [' a b \n', ' a b '],
    ['line 1\nline 2\n', 'line 1\nline 2'],
  ])('may stand in a file of its own: %j means %j', (text, expected) => {
    secretFile(text)
    const loaded = load('auth: { type: token, tokenFile: token }')
    expect(tokenOf(loaded)).toBe(expected)
    expect(loaded.warnings).toEqual([])
    expect(loaded.origins.get('auth.token')).toBe(`${join(directory, 'siem-relay.yaml')}:1:33 (tokenFile)`)
  })

  test('file is found relative to the configuration, or by its full path', () => {
    const path = secretFile('abc')
    expect(tokenOf(load('auth: { type: token, tokenFile: ./token }'))).toBe('abc')
    expect(tokenOf(load(`auth: { type: token, tokenFile: ${path} }`))).toBe('abc')
  })

  test('file may be named by the environment', () => {
    secretFile('abc')
    const loaded = load('auth: { type: token }', { SIEM_RELAY_AUTH__TOKEN_FILE: 'token' })
    expect(tokenOf(loaded)).toBe('abc')
    expect(loaded.origins.get('auth.token')).toBe('environment SIEM_RELAY_AUTH__TOKEN_FILE')
  })

  test('that is optional may have a file, too', () => {
    secretFile('abc')
    const { config } = load('auth: { type: token, token: x }\npasswordFile: token')
    expect(config.password?.reveal()).toBe('abc')
  })

  test('given twice in the file is refused', () => {
    secretFile('abc')
    expect(problemsOf('auth: { type: token, token: x, tokenFile: token }')).toEqual([
      'auth.tokenFile: token and tokenFile are both set; keep one of them',
    ])
  })

  test('given twice in the environment is refused', () => {
    const env = { SIEM_RELAY_AUTH__TOKEN: 'x', SIEM_RELAY_AUTH__TOKEN_FILE: 'token' }
    expect(problemsOf('auth: { type: token }', env)).toEqual([
      'auth.tokenFile: token and tokenFile are both set; keep one of them',
    ])
  })

  test('in the environment wins over the file, whichever way each is given', () => {
    secretFile('from-file')
    expect(tokenOf(load('auth: { type: token, tokenFile: missing }', { SIEM_RELAY_AUTH__TOKEN: 'env' }))).toBe('env')
    const env = { SIEM_RELAY_AUTH__TOKEN_FILE: 'token' }
    expect(tokenOf(load('auth: { type: token, token: x }', env))).toBe('from-file')
  })

  test('given in no way is one problem that names both', () => {
    expect(problemsOf('auth: { type: token }')).toEqual([
      'auth.token: is required: set `token`, or `tokenFile` with the path of a file that holds it',
    ])
  })

  test('file of another type of section is an unknown key', () => {
    expect(problemsOf('auth: { type: token, token: x, clientSecretFile: y }')).toEqual([
      expect.stringContaining('auth.clientSecretFile: unknown key `clientSecretFile`'),
    ])
  })

  test.each([
    ['missing', () => 'missing', 'there is no such file (ENOENT): check the path'],
    [
      'a directory',
      () => mkdirSync(join(directory, 'd/e'), { recursive: true }) && 'd',
      'it is a directory (EISDIR): name a file in it',
    ],
    ['empty', () => secretFile(''), 'is empty: write the secret into it'],
    ['blank', () => secretFile(' \n'), 'is empty: write the secret into it'],
    ['huge', () => secretFile('x'.repeat(65_537)), 'longer than 65536 bytes'],
  ])('file that is %s is refused with its path', (_, make, reason) => {
    const path = make()
    const problems = problemsOf(`auth: { type: token, tokenFile: ${path} }`)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('auth.tokenFile: ')
    expect(problems[0]).toContain(directory)
    expect(problems[0]).toContain(reason)
  })

  test.each(['EACCES', 'EIO'])('file that cannot be read (%s) is refused with the errno', (code) => {
    const readFile = (): never => {
      throw Object.assign(new Error('refused'), { code })
    }
    const text = 'auth: { type: token, tokenFile: /run/secrets/t }'
    expect(() => loadConfig({ schema, text, env: {}, readFile })).toThrow(`/run/secrets/t: `)
    expect(() => loadConfig({ schema, text, env: {}, readFile })).toThrow(code)
  })

  test.each(['[a]', '5', '""'])('file setting %s is not a path', (value) => {
    expect(problemsOf(`auth: { type: token, tokenFile: ${value} }`)).toEqual([
      'auth.tokenFile: expected the path of a file that holds the secret',
    ])
  })

  test('file that everybody can read is a warning', () => {
    const path = secretFile('abc', 0o644)
    expect(load('auth: { type: token, tokenFile: token }').warnings).toEqual([
      `auth.tokenFile: ${path} is readable by every user of this machine; chmod 600 keeps it to its owner`,
    ])
  })

  test('in a configuration that everybody can read is a warning', () => {
    const file = secretFile('auth: { type: token, token: abc }', 0o644, 'siem-relay.yaml')
    expect(loadConfig({ schema, file, env: {} }).warnings).toEqual([
      `${file} holds secrets and is readable by every user of this machine; chmod 600 keeps it to its owner`,
    ])
    secretFile('abc')
    const other = secretFile('auth: { type: token, tokenFile: token }', 0o644, 'other.yaml')
    expect(loadConfig({ schema, file: other, env: {} }).warnings).toEqual([])
  })
})
