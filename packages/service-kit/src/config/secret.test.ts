import { format, inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { memoryLogger } from '../testing/memory-logger.ts'
import { Secret, secret, withoutCredentials } from './secret.ts'

describe('Secret', () => {
  const value = new Secret('canary')

  test.each([
    ['a template', `${value}`],
    ['JSON', JSON.stringify({ value })],
    ['inspect', inspect({ deep: [value] }, { showHidden: true, depth: 9 })],
    ['format', format('%s %o %j %O', value, value, value, value)],
    ['its keys', Object.getOwnPropertyNames(value).join()],
    ['concatenation', `a${String(value)}`],
  ])('does not show itself in %s', (_, text) => {
    expect(text).not.toContain('canary')
  })

  test('does not show itself in a log', () => {
    const { log, entries } = memoryLogger()
    log.info({ anything: { deep: value } }, 'started')
    expect(JSON.stringify(entries)).not.toContain('canary')
    expect(entries[0]).toMatchObject({ anything: { deep: '[redacted]' } })
  })

  test('reveals itself when asked by name', () => {
    expect(value.reveal()).toBe('canary')
  })
})

describe('secret', () => {
  test('makes a Secret out of a text that is not empty', () => {
    expect(secret().parse('x').reveal()).toBe('x')
    expect(secret().safeParse('').success).toBe(false)
    expect(z.object({ token: secret().optional() }).parse({})).toEqual({})
  })
})

describe('withoutCredentials', () => {
  test('takes user and password out of URLs', () => {
    expect(withoutCredentials('http://user:pass@proxy:3128 and http://plain/')).toBe(
      'http://[redacted]@proxy:3128 and http://plain/',
    )
  })
})
