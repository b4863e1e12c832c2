import { describe, expect, test } from 'vitest'
import { checkDefinition } from './check.ts'
import { changedPaths, withoutSecrets, withSecretsOf } from './secrets.ts'

const rules = { allowCidrs: undefined, tenants: ['contoso'], hostName: 'relay', version: '1.2.3', nowMs: () => 0 }
const syslog = { host: 'siem.contoso.com', port: 514 }
const check = (definition: object) => checkDefinition({ id: 'soc', ...definition }, rules)
const sentinel = {
  endpoint: 'https://soc-a1b2.westeurope-1.ingest.monitor.azure.com',
  ruleId: `dcr-${'0123456789abcdef'.repeat(2)}`,
  auth: { type: 'managed-identity' },
}

describe('a draft', () => {
  test.each([
    [{}, '<164>2023-03-02T21:10:02.022Z relay CEF:0|MCAS|SIEM_Agent|1.2.3|'],
    [{ header: { time: 'rfc3164' } }, '<164>Mar  2 21:10:02 relay CEF:0|'],
    [{ header: { time: 'rfc3164-year', systemName: 'EUW' } }, '<164>Mar  2 2023 21:10:02 EUW CEF:0|'],
    [{ format: 'arcsight' }, '<164>2023-03-02T21:10:02.022Z relay CEF:0|'],
  ])('with %j would send a line that begins with its header', (more, start) => {
    const { sample = '', problems } = check({ syslog, ...more })
    expect(problems).toEqual([])
    expect(sample.replace(/^<\d+>/, '<164>').replace('Mar 02', 'Mar  2')).toMatch(
      new RegExp(`^${start.replaceAll(/[|.]/g, '\\$&')}`),
    )
  })

  test('whose filter would leave the sample out shows it all the same', () =>
    expect(check({ syslog, alerts: { filter: { severity: { eq: [2] } } } }).sample).toContain('CEF:0'))

  test('for Microsoft Sentinel shows a row', () =>
    expect(JSON.parse(check({ sentinel }).sample ?? '')).toMatchObject({ TimeGenerated: expect.any(String) }))

  test.each([
    [{ syslog, tenants: ['fabrikam'] }, ['tenants', 0]],
    [{ console: true }, ['console']],
    [{ sentinel: { ...sentinel, allowAnyEndpoint: true } }, ['sentinel', 'allowAnyEndpoint']],
    [{ syslog: { ...syslog, host: ['siem.contoso.com', '169.254.169.254'] } }, ['syslog', 'host', 1]],
    [{ syslog: { ...syslog, host: '127.0.0.1' } }, ['syslog', 'host']],
    [{ syslog: { ...syslog, port: 22 } }, ['syslog', 'port']],
    [{ syslog, name: 'a\u202eb' }, ['name']],
  ])('%j is refused at its place', (definition, path) => {
    const { problems, sample } = check(definition)
    expect(problems.map((problem) => problem.path)).toEqual([path])
    expect(sample).toBeUndefined()
  })

  test.each([
    [{ syslog: { ...syslog, protocol: 'udp' } }, 'syslog.protocol'],
    [{ syslog: { ...syslog, confirm: 'write' } }, 'syslog.confirm'],
    [{ syslog: { ...syslog, protocol: 'tls', tls: { verify: false } } }, 'syslog.tls.verify'],
    [{ syslog, dedup: { policy: 'off' } }, 'dedup.policy'],
    [{ syslog, alerts: { enabled: false }, activities: { enabled: false } }, 'alerts.enabled'],
  ])('%j is allowed with a warning', (definition, path) => {
    const { problems, warnings } = check(definition)
    expect(problems).toEqual([])
    expect(warnings.map((warning) => warning.path.join('.'))).toContain(path)
  })
})

describe('credentials of a proxy', () => {
  const kept = { id: 'soc', sentinel: { ...sentinel, proxy: 'http://user:secret@proxy:3128' } }

  test('are not told, and stay when they come back as they were told', () => {
    const told = withoutSecrets(kept)
    expect(JSON.stringify(told)).not.toContain('secret@')
    expect(withSecretsOf(kept, told)).toEqual(kept)
    const other = { ...kept, sentinel: { ...sentinel, proxy: 'http://proxy' } }
    expect(withSecretsOf(kept, other)).toEqual(other)
  })

  test('do not stand in the audit log: it has places, not values', () =>
    expect(changedPaths(kept, { id: 'soc', name: 'SOC', sentinel })).toEqual(['sentinel.proxy', 'name']))
})
