import { describe, expect, test } from 'vitest'
import { parseProxy } from './proxy-address.ts'

describe('parseProxy', () => {
  test.each([
    ['proxy.example', 'http://proxy.example/'],
    ['10.0.0.1:8080', 'http://10.0.0.1:8080/'],
    ['[::1]:8080', 'http://[::1]:8080/'],
    ['https://user:pw@proxy.example', 'https://user:pw@proxy.example/'],
  ])('%s', (text, href) => expect(parseProxy(text)?.href).toBe(href))

  test.each(['', 'http://', 'socks5://x', 'http://x/path', 'http://x?y', 'x:99999', 'a b'])('%s is none', (text) =>
    expect(parseProxy(text)).toBeUndefined(),
  )
})
