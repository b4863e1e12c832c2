import { describe, expect, test } from 'vitest'
import { formatListen, listenSchema, parseListen } from './listen.ts'

describe('parseListen', () => {
  test.each([
    ['127.0.0.1:9464', '127.0.0.1', 9464],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['0.0.0.0:65535', '0.0.0.0', 65_535],
    ['[::1]:9464', '::1', 9464],
    ['[::]:80', '::', 80],
    ['localhost:8080', 'localhost', 8080],
    ['relay-1.example.org:8080', 'relay-1.example.org', 8080],
  ])('%s', (text, host, port) => {
    expect(parseListen(text)).toEqual({ host, port })
    expect(formatListen({ host, port })).toBe(text)
  })

  test.each([
    [':9464', 'write 127.0.0.1:9464 to be reached from this machine only, or 0.0.0.0:9464'],
    ['9464', 'write 127.0.0.1:9464 to be reached from this machine only'],
    ['::1:9464', 'put an IPv6 address in brackets'],
    ['::1', 'put an IPv6 address in brackets'],
    ['[]:9464', 'write HOST:PORT'],
    ['[127.0.0.1]:9464', 'brackets hold an IPv6 address'],
    ['127.0.0.1', 'write HOST:PORT'],
    ['127.0.0.1:', 'write HOST:PORT'],
    ['127.0.0.1:65536', 'ports go from 0 to 65535'],
    ['127.0.0.1:-1', 'write HOST:PORT'],
    ['127.0.0.1:80:80', 'write HOST:PORT'],
    ['127.1:80', 'neither an IP address nor a name'],
    ['2130706433:80', 'neither an IP address nor a name'],
    ['0x7f000001:80', 'neither an IP address nor a name'],
    ['256.0.0.1:80', 'neither an IP address nor a name'],
    ['user@host:80', 'neither an IP address nor a name'],
    ['-oProxy:80', 'neither an IP address nor a name'],
    ['host\r\nX:80', 'neither an IP address nor a name'],
    ['http://127.0.0.1:9464', 'without a scheme'],
    ['/run/relay.sock', 'write HOST:PORT'],
    ['', 'write HOST:PORT'],
  ])('refuses %j: %s', (text, hint) => {
    expect(() => parseListen(text)).toThrow(hint)
    expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'RELAY_CONFIG_INVALID' }))
  })
})

describe('listenSchema', () => {
  test('keeps a good address and says what to write instead of a bad one', () => {
    expect(listenSchema.parse('[::1]:0')).toBe('[::1]:0')
    expect(listenSchema.safeParse(':9464').error?.issues[0]?.message).toContain('write 127.0.0.1:9464')
  })
})
