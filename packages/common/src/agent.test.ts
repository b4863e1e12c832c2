import { describe, expect, test } from 'vitest'
import { agentSchema, wants } from './agent.ts'
import { rawKinds } from './topics.ts'

const syslog = { host: 'siem.contoso.com', port: 514 }
const relp = { ...syslog, protocol: 'relp' }
const problemsOf = (agent: object): readonly string[] =>
  (agentSchema.safeParse({ id: 'siem', syslog, ...agent }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

const sentinel = {
  endpoint: 'https://soc-a1b2.westeurope-1.ingest.monitor.azure.com',
  ruleId: `dcr-${'0123456789abcdef'.repeat(2)}`,
  auth: { type: 'managed-identity' },
}

describe('an agent for Microsoft Sentinel', () => {
  const kindsOf = (agent: object) => {
    const parsed = agentSchema.parse({ id: 'soc', ...agent })
    return rawKinds.filter((kind) => wants(parsed, kind))
  }

  test('gets alerts and discovery unless it says otherwise, one for syslog alerts and activities', () => {
    expect(kindsOf({ sentinel })).toEqual(['alerts', 'discovery'])
    expect(kindsOf({ syslog })).toEqual(['alerts', 'activities'])
    expect(kindsOf({ sentinel, activities: { enabled: true }, discovery: { enabled: false } })).toEqual([
      'alerts',
      'activities',
    ])
  })

  test.each([
    ['alerts switched off', { alerts: { enabled: false } }, /alerts\.enabled: alerts always go/],
    [
      'plain http',
      { sentinel: { ...sentinel, endpoint: 'http://a.ingest.monitor.azure.com' } },
      /must start with https/,
    ],
    ['another host', { sentinel: { ...sentinel, endpoint: 'https://evil.example' } }, /must end in \.ingest\.monitor/],
    [
      'a host that only looks alike',
      { sentinel: { ...sentinel, endpoint: 'https://x.ingest.monitor.azure.com.evil.example' } },
      /must end in/,
    ],
    ['a port', { sentinel: { ...sentinel, endpoint: 'https://a.ingest.monitor.azure.com:8443' } }, /usual port/],
    ['a path', { sentinel: { ...sentinel, endpoint: 'https://a.ingest.monitor.azure.com/x' } }, /nothing but https/],
    [
      'credentials in the endpoint',
      { sentinel: { ...sentinel, endpoint: 'https://u:p@a.ingest.monitor.azure.com' } },
      /credentials/,
    ],
    [
      'an endpoint of another cloud',
      { sentinel: { ...sentinel, cloud: 'usgov' } },
      /\.azure\.us, as endpoints of this cloud do/,
    ],
    ['the name of a rule', { sentinel: { ...sentinel, ruleId: 'dcr-soc' } }, /immutable id/],
    [
      'a stream without Custom-',
      { sentinel: { ...sentinel, streams: { alerts: 'McasAlerts' } } },
      /begins with Custom-/,
    ],
    ['a proxy that is none', { sentinel: { ...sentinel, proxy: 'ftp://proxy' } }, /sentinel\.proxy: must be http/],
    [
      'a foreign authority',
      { sentinel: { ...sentinel, authorityHost: 'https://login.evil.example' } },
      /handed the credential/,
    ],
    ['syslog beside it', { syslog }, /one destination/],
    ['rows over syslog', { sentinel: undefined, syslog, format: 'sentinel' }, /format: rows go to/],
  ])('%s is refused with the reason', (_, agent, problem) =>
    expect(problemsOf({ syslog: undefined, sentinel, ...agent }).join('\n')).toMatch(problem),
  )

  test('may go to a test server when it says so', () =>
    expect(
      problemsOf({
        syslog: undefined,
        sentinel: {
          ...sentinel,
          endpoint: 'https://127.0.0.1:8443',
          authorityHost: 'https://127.0.0.1:8444',
          allowAnyEndpoint: true,
        },
      }),
    ).toEqual([]))
})

describe('agentSchema', () => {
  test('has the defaults of the original wizard: PRI and system name on, all alerts and activities', () => {
    expect(agentSchema.parse({ id: 'siem', syslog })).toMatchObject({
      enabled: true,
      format: 'generic',
      header: { time: 'rfc5424', pri: true, systemName: true },
      alerts: { filter: {} },
      activities: { filter: {} },
      syslog: { protocol: 'tcp' },
    })
  })

  test.each([
    ['no PRI with LF framing on TCP', { header: { pri: false } }, /header\.pri: .*octet count/],
    ['LF framing on TLS', { syslog: { ...syslog, protocol: 'tls', framing: 'lf' } }, /syslog\.framing: .*RFC 5425/],
    ['framing on UDP', { syslog: { ...syslog, protocol: 'udp', framing: 'lf' } }, /syslog\.framing: UDP/],
    ['tls settings without TLS', { syslog: { ...syslog, tls: { caFile: 'ca.pem' } } }, /syslog\.tls: .*protocol: tls/],
    ['tls settings on UDP', { syslog: { ...syslog, protocol: 'udp', tls: {} } }, /syslog\.tls: .*relp/],
    ['framing on RELP', { syslog: { ...relp, framing: 'lf' } }, /syslog\.framing: RELP has frames of its own/],
    [
      'confirm on RELP',
      { syslog: { ...relp, confirm: 'checkpoint' } },
      /syslog\.confirm: .*acknowledges every message/,
    ],
    [
      'a window of messages on TLS',
      { syslog: { ...syslog, protocol: 'tls', windowMessagesMax: 128 } },
      /windowMessagesMax: only RELP/,
    ],
    [
      'a message of 65,508 bytes on TCP',
      { syslog: { ...syslog, messageBytesMax: 65_508 } },
      /messageBytesMax: only RELP/,
    ],
    ['a message librelp would cut', { syslog: { ...relp, messageBytesMax: 131_073 } }, /messageBytesMax: .*131072/],
    [
      'a certificate without its key',
      { syslog: { ...syslog, protocol: 'tls', tls: { certFile: 'c.pem' } } },
      /go together/,
    ],
    [
      'a private key for an authority',
      { syslog: { ...syslog, protocol: 'tls', tls: { ca: '-----BEGIN PRIVATE KEY-----' } } },
      /syslog\.tls\.ca: holds a private key/,
    ],
    [
      'an authority that is no certificate',
      { syslog: { ...syslog, protocol: 'tls', tls: { ca: 'garbage' } } },
      /syslog\.tls\.ca: holds no certificate/,
    ],
    [
      'authorities as text and as a file',
      { syslog: { ...syslog, protocol: 'tls', tls: { ca: 'x', caFile: 'ca.pem' } } },
      /syslog\.tls\.ca: ca and caFile/,
    ],
    ['no destination', { syslog: undefined }, /one destination/],
    ['two destinations', { console: true }, /one destination/],
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
    ['no PRI over RELP', { header: { pri: false }, syslog: relp }],
    [
      'RELP over TLS with all it takes',
      { syslog: { ...relp, tls: { caFile: 'ca.pem' }, windowMessagesMax: 1, messageBytesMax: 131_072 } },
    ],
    ['a lossy combination that is forced', { header: { pri: false }, syslog: { ...syslog, force: true } }],
  ])('%s is accepted', (_, agent) => expect(problemsOf(agent)).toEqual([]))
})
