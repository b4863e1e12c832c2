import { describe, expect, test } from 'vitest'
import { systemTerminal } from '../terminal.ts'
import { configOfFlags } from './agent-flags.ts'

const terminal = { ...systemTerminal, env: {} }
const source = { url: 'https://contoso.us2.portal.cloudappsecurity.com', token: 't'.repeat(64) }

describe('--syslog', () => {
  test.each([
    ['udp://10.0.0.5:514', 'udp', '10.0.0.5', 514],
    ['tcp://siem:514', 'tcp', 'siem', 514],
    ['tls://siem.contoso.com:6514', 'tls', 'siem.contoso.com', 6_514],
    ['relp://siem.contoso.com:2514', 'relp', 'siem.contoso.com', 2_514],
    ['relp://[fd00::5]:2514', 'relp', 'fd00::5', 2_514],
  ])('%s is protocol, host and port of an agent', (syslog, protocol, host, port) => {
    const { config } = configOfFlags({ ...source, syslog }, undefined, terminal)
    expect(config.agents).toMatchObject([{ id: 'siem', console: false, syslog: { protocol, host, port } }])
  })

  test.each(['siem:514', 'relps://siem:2514', 'relp://siem', 'relp://:2514', 'http://siem:80'])(
    '%s is refused with the forms there are',
    (syslog) =>
      expect(() => configOfFlags({ ...source, syslog }, undefined, terminal)).toThrow(
        'write udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or relp://HOST:PORT',
      ),
  )

  test('a port that cannot be is told of the flag', () =>
    expect(() => configOfFlags({ ...source, syslog: 'relp://siem:70000' }, undefined, terminal)).toThrow(/--syslog/))
})
