import { describe, expect, test } from 'vitest'
import { isSameConfig } from './same.ts'
import { Secret } from './secret.ts'

describe('isSameConfig', () => {
  test.each([
    ['the order of keys', { a: 1, b: [2] }, { b: [2], a: 1 }, true],
    ['a setting that is undefined', { a: 1, b: undefined }, { a: 1 }, true],
    ['the same secret', { token: new Secret('one') }, { token: new Secret('one') }, true],
    ['another secret', { list: [{ token: new Secret('one') }] }, { list: [{ token: new Secret('two') }] }, false],
    ['a secret and its text', { token: new Secret('one') }, { token: 'one' }, false],
    ['the order of a list', { hosts: ['a', 'b'] }, { hosts: ['b', 'a'] }, false],
    ['another value', { port: 514 }, { port: '514' }, false],
  ])('%s', (_, left, right, isSame) => expect(isSameConfig(left, right)).toBe(isSame))
})
