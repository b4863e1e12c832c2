import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../../test/support/relay.ts'
import { agentSettings } from './settings.ts'

const token = `sra_siem_${'A'.repeat(43)}`
const other = `sra_siem_${'B'.repeat(43)}`
const portal = 'https://relay.contoso.com'

describe('agentSettings', () => {
  test.each([
    ['https://relay.contoso.com/', 'https://relay.contoso.com'],
    ['https://relay.contoso.com:8443/siem/', 'https://relay.contoso.com:8443/siem'],
    ['https://relay.contoso.com/siem/#/agents', 'https://relay.contoso.com/siem'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://localhost:8080', 'http://localhost:8080'],
  ])('--portal %s', (text, expected) => {
    expect(agentSettings({ portal: text, token }, {}).portal).toBe(expected)
  })

  test.each([
    [undefined, /--portal is missing/],
    ['', /--portal is missing/],
    ['relay.contoso.com', /no address/],
    ['http://relay.contoso.com', /must be https/],
    ['ftp://relay.contoso.com', /must be https/],
    ['http://127.0.0.1.evil.example', /must be https/],
    ['https://user:canary@relay.contoso.com', /user name or password/],
  ])('--portal %s is refused', (text, message) => {
    expect(() => agentSettings({ ...(text === undefined ? {} : { portal: text }), token }, {})).toThrow(message)
  })

  test.each(['socks5://x:1', 'http://', 'a b', 'proxy:99999', 'http://proxy/path'])(
    'an address that is no proxy is named as the SIEM agent named it: %s',
    (proxy) => {
      expect(() => agentSettings({ portal, token, proxy }, {})).toThrow(/^Invalid proxy address/)
    },
  )

  test.each(['10.0.0.1', '10.0.0.1:8080', 'http://user:pw@proxy:3128', 'proxy'])('--proxy %s is taken', (proxy) => {
    expect(agentSettings({ portal, token, proxy }, {}).agent).toBe('siem')
  })

  test('the token comes from the environment, a file or, with a warning, the command line; from one of them', () => {
    using directory = temporaryDirectory()
    const tokenFile = join(directory.path, 'token')
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 })
    expect(agentSettings({ portal, tokenFile }, {})).toMatchObject({ agent: 'siem', warnings: [] })
    expect(agentSettings({ portal }, { SIEM_RELAY_TOKEN: token })).toMatchObject({ agent: 'siem', warnings: [] })
    expect(agentSettings({ portal, token }, {}).warnings).toEqual([expect.stringContaining('--token-file')])
    expect(() => agentSettings({ portal, token, tokenFile }, {})).toThrow(/more than once/)
    expect(() => agentSettings({ portal, tokenFile }, { SIEM_RELAY_TOKEN: token })).toThrow(/more than once/)
    expect(() => agentSettings({ portal }, {})).toThrow(/^Invalid token: none is given/)
    expect(() => agentSettings({ portal, tokenFile: join(directory.path, 'gone') }, {})).toThrow(/cannot be read/)
  })

  test.skipIf(process.platform === 'win32')('a token file that others can read is warned of', () => {
    using directory = temporaryDirectory()
    const tokenFile = join(directory.path, 'token')
    writeFileSync(tokenFile, token)
    chmodSync(tokenFile, 0o644)
    expect(agentSettings({ portal, tokenFile }, {}).warnings).toEqual([expect.stringContaining('chmod 600')])
    chmodSync(tokenFile, 0o640)
    expect(agentSettings({ portal, tokenFile }, {}).warnings).toEqual([])
  })

  test('a file that changes is read again; what it holds in between does not count', () => {
    using directory = temporaryDirectory()
    const tokenFile = join(directory.path, 'token')
    writeFileSync(tokenFile, token)
    const settings = agentSettings({ portal, tokenFile }, {})
    expect(settings.token()).toBe(token)
    writeFileSync(tokenFile, 'sra_siem_AAA')
    expect(settings.token()).toBe(token)
    writeFileSync(tokenFile, `sra_elsewhere_${'C'.repeat(43)}`)
    expect(settings.token()).toBe(token)
    writeFileSync(tokenFile, `${other}\n`)
    expect(settings.token()).toBe(other)
  })

  test.each([
    ['', /empty/],
    ['canary', /begin with sra_/],
    [token.slice(0, -3), /not whole/],
    ['deadbeef'.repeat(8), /old SIEM agent/],
    [Buffer.from('canary canary canary canary canary canary canary!').toString('base64'), /old SIEM agent/],
  ])('what else is pasted is recognised and never shown: %s', (text, message) => {
    using directory = temporaryDirectory()
    const tokenFile = join(directory.path, 'token')
    writeFileSync(tokenFile, text)
    expect(() => agentSettings({ portal, tokenFile }, {})).toThrow(message)
    try {
      agentSettings({ portal, tokenFile }, {})
    } catch (error) {
      if (text !== '') expect(String(error)).not.toContain(text)
      expect(error).toMatchObject({ code: 'RELAY_CONFIG_INVALID' })
    }
  })
})
