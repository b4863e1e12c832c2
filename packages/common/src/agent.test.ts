import { describe, expect, test } from 'vitest'
import { agentSchema } from './agent.ts'

const syslog = { host: 'siem.contoso.com', port: 514 }
const problemsOf = (agent: object): readonly string[] =>
  (agentSchema.safeParse({ id: 'siem', syslog, ...agent }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

describe('agentSchema', () => {
  test('has the defaults of the original wizard: PRI and system name on, all alerts and activities', () => {
    expect(agentSchema.parse({ id: 'siem', syslog })).toMatchObject({
      enabled: true,
      format: 'generic',
      header: { time: 'rfc5424', pri: true, systemName: true },
      alerts: { enabled: true, filter: {} },
      activities: { enabled: true, filter: {} },
      syslog: { protocol: 'tcp', confirm: 'checkpoint' },
    })
  })

  test.each([
    ['no PRI with LF framing on TCP', { header: { pri: false } }, /header\.pri: .*octet count/],
    ['LF framing on TLS', { syslog: { ...syslog, protocol: 'tls', framing: 'lf' } }, /syslog\.framing: .*RFC 5425/],
    ['framing on UDP', { syslog: { ...syslog, protocol: 'udp', framing: 'lf' } }, /syslog\.framing: UDP/],
    ['tls settings without TLS', { syslog: { ...syslog, tls: { caFile: 'ca.pem' } } }, /syslog\.tls: .*protocol: tls/],
    [
      'a certificate without its key',
      { syslog: { ...syslog, protocol: 'tls', tls: { certFile: 'c.pem' } } },
      /go together/,
    ],
    ['no destination', { syslog: undefined }, /a destination/],
    ['two destinations', { console: true }, /a destination/],
    ['an id that cannot name a topic', { id: 'My SIEM' }, /id: .*lower-case/],
    [
      'an unknown filter field',
      { alerts: { filter: { severty: { eq: [1] } } } },
      /alerts\.filter\.severty: .*severity/,
    ],
    ['retiring an agent that delivers nothing', { enabled: false, retire: true }, /retire: .*enabled: true/],
    ['an unknown key', { sylog: {} }, /sylog/],
  ])('%s is refused with the reason', (_, agent, problem) => expect(problemsOf(agent).join('\n')).toMatch(problem))

  test.each([
    ['no PRI over UDP', { header: { pri: false }, syslog: { ...syslog, protocol: 'udp' } }],
    ['no PRI with octet counting', { header: { pri: false }, syslog: { ...syslog, framing: 'octet-counting' } }],
    ['no PRI with a time that starts with a letter', { header: { pri: false, time: 'rfc3164' } }],
    ['a lossy combination that is forced', { header: { pri: false }, syslog: { ...syslog, force: true } }],
  ])('%s is accepted', (_, agent) => expect(problemsOf(agent)).toEqual([]))
})
