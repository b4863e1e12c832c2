/** `siem-relay doctor sentinel` beside a simulated Azure, over TLS, with what can be wrong prepared. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { NamedFinding, SubjectReport } from '../doctor/check.ts'
import { rule, ruleId, type SentinelSetup, secret, startSentinel } from '../testing/sentinel.ts'
import { runInProcess } from '../testing/terminal.ts'

interface Diagnosis {
  readonly code: number
  readonly findings: ReadonlyMap<string, NamedFinding>
  readonly text: string
}

async function diagnose({ cwd }: SentinelSetup, ...args: string[]): Promise<Diagnosis> {
  const { code, out, err } = await runInProcess(['doctor', 'sentinel', '--json', ...args], { cwd })
  expect(err).toBe('')
  const { subjects, isWell } = JSON.parse(out) as { isWell: boolean; subjects: SubjectReport[] }
  expect(isWell).toBe(code === 0)
  expect(out).not.toContain(secret)
  return { code, findings: new Map(subjects[0]?.findings.map((one) => [one.check, one])), text: out }
}

describe('an agent that can deliver', () => {
  test('is well, and nothing is stored to know it', async () => {
    await using setup = await startSentinel()
    const { code, findings } = await diagnose(setup)
    expect(code).toBe(0)
    expect([...findings].map(([name, { status }]) => `${name} ${status}`)).toEqual([
      // allowAnyEndpoint, which only test servers need.
      'settings warning',
      'endpoint name ok',
      'endpoint TLS ok',
      'Entra name ok',
      'Entra TLS ok',
      'clock ok',
      'token ok',
      'stream alerts ok',
      'stream discovery ok',
      'schema skipped',
      'event times ok',
    ])
    expect(findings.get('token')?.seen).toMatch(/^given to application relay, directory contoso, for 5\d minutes$/)
    expect(setup.azure.totals).toMatchObject({ uploads: 2, stored: 0, lost: 0 })
  })

  test('a canary is stored whole in every table the agent writes to', async () => {
    await using setup = await startSentinel()
    setup.configure({}, { agent: { activities: { enabled: true } } })
    const { code, findings } = await diagnose(setup, '--canary')
    expect(code).toBe(0)
    expect([...setup.azure.ids.values()]).toEqual([3])
    expect(setup.azure.columnLosses).toEqual([])
    const [id] = setup.azure.ids.keys()
    expect(id).toMatch(/^canary:[0-9a-f-]{36}$/)
    for (const kind of ['alerts', 'activities', 'discovery'])
      expect(findings.get(`canary ${kind}`)?.seen).toContain(`== "${id}"`)
  })

  test('a person reads a table, with a next move below what is not well', async () => {
    await using setup = await startSentinel()
    const { out } = await runInProcess(['doctor', 'sentinel'], { cwd: setup.cwd })
    expect(out).toMatch(
      /^agent soc: 1 warning, 9 ok, 1 skipped\n {2}settings {10}WARNING {2}client-secret, cloud public/,
    )
    expect(out).toContain('→ Remove allowAnyEndpoint')
  })

  test('the columns of the rule as deployed are compared', async () => {
    await using setup = await startSentinel()
    const deployed = (change: (column: { name: string; type: string }) => object | undefined): string =>
      setup.write(
        'rule.json',
        JSON.stringify({
          immutableId: ruleId,
          name: 'siem-relay',
          streamDeclarations: Object.fromEntries(
            Object.entries(rule.streams).map(([name, { columns }]) => [
              name,
              { columns: columns === 'any' ? [] : columns.flatMap((column) => change(column) ?? []) },
            ]),
          ),
        }),
      )
    const same = await diagnose(
      setup,
      '--rule',
      deployed((column) => column),
    )
    expect(same.findings.get('schema')).toMatchObject({ status: 'ok' })
    const older = await diagnose(
      setup,
      '--rule',
      deployed((column) => {
        if (column.name === 'TwinAlertId') return undefined
        return column.name === 'AppScore' ? { ...column, type: 'string' } : column
      }),
    )
    expect(older.code).toBe(1)
    expect(older.findings.get('schema')).toMatchObject({
      status: 'failed',
      seen: 'Custom-McasAlerts lacks TwinAlertId: Azure drops them; Custom-McasDiscovery has another type for AppScore (string, not int): Azure stores null',
      fix: expect.stringContaining('deploy/sentinel'),
    })
  })
})

describe('what is wrong is named, with the next move', () => {
  test.each([
    [
      'the wrong secret',
      { write: 'not~the~secret' },
      'token',
      /AADSTS7000215/,
      /clientSecretFile has to hold the value of the secret/,
    ],
    ['an empty secret', { write: '\n' }, 'settings', /is empty/, /value/],
    ["a secret's id", { write: '01234567-89ab-cdef-0123-456789abcdef' }, 'settings', /GUID/, /portal shows it once/],
  ])('%s', async (_, { write }, check, seen, fix) => {
    await using setup = await startSentinel()
    setup.write('secret', write)
    const { code, findings, text } = await diagnose(setup)
    expect(code).toBe(1)
    expect(findings.get(check)).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(seen),
      fix: expect.stringMatching(fix),
    })
    expect(findings.get('stream alerts')).toMatchObject({ status: 'skipped', seen: 'not without: token' })
    if (write.trim() !== '') expect(text).not.toContain(write.trim())
  })

  test.each([
    ['an unknown application', { clientId: 'nobody' }, /AADSTS700016/, /check clientId/],
    ['an unknown directory', { tenantId: 'fabrikam' }, /90002|endpoints_resolution_error|Tenant/, /tenantId/],
  ])('%s', async (_, auth, seen, fix) => {
    await using setup = await startSentinel()
    const clientSecretFile = join(setup.cwd, 'secret')
    setup.configure({
      auth: { type: 'client-secret', tenantId: 'contoso', clientId: 'relay', clientSecretFile, ...auth },
    })
    expect((await diagnose(setup)).findings.get('token')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(seen),
      fix: expect.stringMatching(fix),
    })
  })

  test('an authority this machine does not trust', async () => {
    await using setup = await startSentinel()
    setup.configure({ caFile: undefined })
    const { findings } = await diagnose(setup)
    expect(findings.get('endpoint TLS')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/does not answer directly: .*(CERT|VERIFY|ISSUER|certificate)/),
      fix: expect.stringContaining('caFile'),
    })
    expect(findings.get('token')?.status).toBe('skipped')
  })

  test('nobody listens', async () => {
    await using setup = await startSentinel()
    await setup.azure.stop()
    expect((await diagnose(setup)).findings.get('endpoint TLS')).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining('ECONNREFUSED'),
      fix: 'Nothing listens there: check endpoint.',
    })
  })

  test('a name nobody has', async () => {
    await using setup = await startSentinel()
    setup.configure({ endpoint: 'https://nowhere.invalid' })
    const { findings } = await diagnose(setup)
    expect(findings.get('endpoint name')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/the name nowhere\.invalid is not found: .*(ENOTFOUND|EAI_AGAIN)/),
      fix: expect.stringContaining('Check endpoint for a typing mistake'),
    })
    expect(findings.get('endpoint TLS')?.seen).toBe('not without: endpoint name')
  })

  test.each([
    [407, /user name and password/],
    [403, /Let the proxy 127\.0\.0\.1:\d+ connect to 127\.0\.0\.1:443/],
  ])('a proxy that answers %d', async (status, fix) => {
    await using setup = await startSentinel()
    await using proxy = createServer()
    proxy.on('connect', (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`))
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    setup.configure({ proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
    expect((await diagnose(setup)).findings.get('endpoint TLS')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/does not answer through the proxy 127\.0\.0\.1:\d+: /),
      fix: expect.stringMatching(fix),
    })
  })

  test('the role is missing, or not yet in force', async () => {
    await using setup = await startSentinel({ roles: [] })
    expect((await diagnose(setup)).findings.get('stream alerts')).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining('HTTP 403 OperationFailed'),
      fix: expect.stringMatching(/Monitoring Metrics Publisher on the data collection rule.*up to 30 minutes/),
    })
  })

  test('another rule, or another stream', async () => {
    await using setup = await startSentinel()
    setup.configure({ ruleId: `dcr-${'f'.repeat(32)}` })
    expect((await diagnose(setup)).findings.get('stream alerts')).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining('HTTP 404'),
      fix: expect.stringContaining('immutableId'),
    })
    setup.configure({ streams: { alerts: 'Custom-Alerts' } })
    const { findings } = await diagnose(setup)
    expect(findings.get('stream alerts')).toMatchObject({
      status: 'failed',
      seen: expect.stringContaining('InvalidStream'),
      fix: expect.stringContaining('The rule has no stream Custom-Alerts'),
    })
    expect(findings.get('stream discovery')?.status).toBe('ok')
  })

  test('Azure is throttling: nothing failed, nothing is known', async () => {
    await using setup = await startSentinel()
    setup.azure.faults.add({ type: 'throttle', retryAfterSeconds: 30 })
    const { code, findings } = await diagnose(setup)
    expect([code, findings.get('stream alerts')?.status]).toEqual([0, 'warning'])
  })

  test('clocks that differ by an hour', async () => {
    await using setup = await startSentinel({ nowMs: () => Date.now() + 3_600_000 })
    expect((await diagnose(setup)).findings.get('clock')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/^this machine is 3(599|600|601) s behind Azure/),
      fix: expect.stringContaining('NTP'),
    })
  })

  test('a source that begins further back than Azure keeps times', async () => {
    await using setup = await startSentinel()
    const source = {
      id: 'contoso',
      type: 'defender-for-cloud-apps',
      url: 'https://contoso.us2.portal.cloudappsecurity.com',
      auth: { type: 'token', token: 'a'.repeat(64) },
    }
    setup.configure({}, { sources: [source, { ...source, id: 'old', lookback: 'P7D' }] })
    expect((await diagnose(setup)).findings.get('event times')).toMatchObject({
      status: 'warning',
      seen: expect.stringMatching(/^source old with lookback P7D: /),
      fix: expect.stringContaining('EventTime'),
    })
  })
})

describe('the command', () => {
  test.each([
    [['--agent', 'who'], /no agent who with sentinel; it has: soc/],
    [['--rule', 'nowhere.json'], /--rule .*nowhere\.json: ENOENT/],
  ])('refuses %j', async (args, message) => {
    await using setup = await startSentinel()
    const { code, err } = await runInProcess(['doctor', 'sentinel', ...args], { cwd: setup.cwd })
    expect(code).not.toBe(0)
    expect(err).toMatch(message)
  })

  test('writes sample rows for the wizards of the portal, a JSON array for each table', async () => {
    await using setup = await startSentinel()
    const { code, out } = await runInProcess(['doctor', 'sentinel', '--samples', 'samples'], { cwd: setup.cwd })
    expect(code).toBe(0)
    const directory = join(setup.cwd, 'samples')
    const files = ['CommonSecurityLog.json', 'McasAlerts_CL.json', 'McasShadowItReporting_CL.json']
    expect(readdirSync(directory).toSorted()).toEqual(files)
    expect(out.trim().split('\n').toSorted()).toEqual(files.map((file) => join(directory, file)))
    for (const file of files) {
      const rows = JSON.parse(readFileSync(join(directory, file), 'utf8')) as { TimeGenerated: string }[]
      expect(rows).toHaveLength(10)
      expect(rows.every(({ TimeGenerated }) => !Number.isNaN(Date.parse(TimeGenerated)))).toBe(true)
    }
  })
})
