import { describe, expect, test } from 'vitest'
import { chooseProxy } from './proxy.ts'

const api = new URL('https://contoso.us2.portal.cloudappsecurity.com/api/v1/alerts/')
const proxy = 'http://proxy.example:3128'

describe('chooseProxy', () => {
  test('takes HTTPS_PROXY, in small letters first', () => {
    expect(chooseProxy(api, undefined, { HTTPS_PROXY: proxy })?.host).toBe('proxy.example:3128')
    expect(chooseProxy(api, undefined, { HTTPS_PROXY: 'http://other', https_proxy: proxy })?.host).toBe(
      'proxy.example:3128',
    )
    expect(chooseProxy(api, undefined, { HTTP_PROXY: proxy })).toBeUndefined()
    expect(chooseProxy(api, undefined, { HTTPS_PROXY: '' })).toBeUndefined()
  })

  test('a configured proxy goes before the environment and its exceptions', () => {
    const env = { HTTPS_PROXY: 'http://other', NO_PROXY: '*' }
    expect(chooseProxy(api, proxy, env)?.host).toBe('proxy.example:3128')
    expect(chooseProxy(new URL('http://127.0.0.1:1/'), proxy, env)?.host).toBe('proxy.example:3128')
  })

  test('this machine itself is never reached through the proxy of the environment', () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.8.8.8'])
      expect(chooseProxy(new URL(`http://${host}:8080/`), undefined, { HTTP_PROXY: proxy })).toBeUndefined()
  })

  test.each([
    ['*', true],
    ['cloudappsecurity.com', true],
    ['.cloudappsecurity.com', true],
    ['*.cloudappsecurity.com', true],
    ['CloudAppSecurity.com', true],
    ['contoso.us2.portal.cloudappsecurity.com', true],
    ['contoso.us2.portal.cloudappsecurity.com:443', true],
    ['contoso.us2.portal.cloudappsecurity.com:8443', false],
    ['security.com', false],
    ['other.example, cloudappsecurity.com', true],
    ['other.example cloudappsecurity.com', true],
    ['', false],
  ])('NO_PROXY %s exempts: %s', (list, isExempt) => {
    expect(chooseProxy(api, undefined, { HTTPS_PROXY: proxy, NO_PROXY: list }) === undefined).toBe(isExempt)
  })

  test.each([
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '0.1.2.3', false],
    ['[fd00::1]', '[fd00::1]:8443', true],
    ['[fd00::1]', 'fd00::1', true],
  ])('an address: %s by %s', (host, list, isExempt) => {
    const target = new URL(`https://${host}:8443/`)
    expect(chooseProxy(target, undefined, { HTTPS_PROXY: proxy, NO_PROXY: list }) === undefined).toBe(isExempt)
  })

  test('a variable that is no proxy address is said to be none, without showing it', () => {
    expect(() => chooseProxy(api, undefined, { HTTPS_PROXY: 'socks5://user:canary@x' })).toThrow(
      /^HTTPS_PROXY is not a proxy address like http:\/\/proxy:3128$/,
    )
  })
})
