import { describe, expect, test } from 'vitest'
import { authorityOf, windowBytesMaxOf } from './settings.ts'

describe('tokens', () => {
  test.each([
    ['public', 'https://login.microsoftonline.com'],
    ['usgov', 'https://login.microsoftonline.us'],
    ['china', 'https://login.chinacloudapi.cn'],
  ] as const)('of the cloud %s come from its own authority, %s', (cloud, host) =>
    expect(authorityOf({ cloud, authorityHost: undefined })).toBe(host),
  )

  test('come from the authority an agent names', () =>
    expect(authorityOf({ cloud: 'public', authorityHost: 'https://127.0.0.1:1' })).toBe('https://127.0.0.1:1'))
})

test('the window holds what the packing needs, unless it is set', () => {
  expect(windowBytesMaxOf({ packing: 'raw', windowBytesMax: undefined })).toBe(16 * 1_048_576)
  expect(windowBytesMaxOf({ packing: 'wire', windowBytesMax: undefined })).toBe(64 * 1_048_576)
  expect(windowBytesMaxOf({ packing: 'wire', windowBytesMax: 2_000_000 })).toBe(2_000_000)
})
