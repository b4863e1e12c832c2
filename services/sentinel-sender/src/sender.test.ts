/** The whole service against a simulated Azure over TLS. */
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createAuthority } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { type AzureUnderTest, eventually, startAzure } from './testing/sender.ts'

/** Everything put is passed by the agent's group. */
const allPassed = (setup: AzureUnderTest): Promise<void> => eventually(async () => expect(await setup.lag()).toBe(0))

const idsOf = (setup: AzureUnderTest): string[] => [...setup.azure.ids.keys()].sort()

describe('rows', () => {
  test('of all three kinds are stored in their streams, once, and the balance adds up', async () => {
    await using setup = await startAzure()
    const alerts = await setup.put('alert', 300)
    const activities = await setup.put('activity', 700)
    const discovery = await setup.put('discovery', 500)
    const sender = await setup.send()
    await allPassed(setup)
    expect(idsOf(setup)).toEqual([...alerts, ...activities, ...discovery].sort())
    expect(new Set(setup.azure.ids.values())).toEqual(new Set([1]))
    expect(setup.azure.columnLosses).toEqual([])
    expect(setup.azure.stored('Custom-McasAlerts')).toHaveLength(300)
    expect(setup.azure.stored('Custom-McasActivities')).toHaveLength(700)
    expect(await setup.metric('siem_relay_messages_delivered_total')).toBe(1_500)
    expect(await setup.metric('siem_relay_sentinel_requests_total', { status: '204' })).toBe(
      setup.azure.requests.length,
    )
    expect(await setup.metric('siem_relay_unconfirmed_messages')).toBe(0)
    expect(sender.status()).toMatchObject([{ agent: 'sentinel', state: 'connected', lastError: undefined }])
  })

  test('that do not fill a request wait a moment for others, then go', async () => {
    await using setup = await startAzure()
    await setup.put('discovery', 3)
    await setup.send({ lingerSeconds: 5 })
    await allPassed(setup)
    expect(setup.azure.requests).toHaveLength(1)
  })

  test.each(['raw', 'wire'] as const)('packed %s never exceed the limit on the wire', async (packing) => {
    await using setup = await startAzure()
    await setup.put('discovery', 6_000)
    await setup.send({ packing, requestBytesMax: 100_000 })
    await allPassed(setup)
    const measured = setup.azure.requests.map(({ wireBytes, rawBytes }) => (packing === 'raw' ? rawBytes : wireBytes))
    expect(Math.max(...measured)).toBeLessThanOrEqual(100_000)
    expect(setup.azure.ids.size).toBe(6_000)
    expect(setup.azure.requests.every(({ status }) => status === 204)).toBe(true)
  })

  test('with a column, a type or a shape that Azure would lose are not sent, and say which record and column', async () => {
    await using setup = await startAzure()
    const good = { TimeGenerated: '2026-01-01T00:00:00Z', RecordId: 'good' }
    await setup.put('discovery', [
      JSON.stringify({ ...good, Colour: 'red' }),
      JSON.stringify({ ...good, TotalEvents: 'many' }),
      JSON.stringify([good]),
      'no JSON',
      JSON.stringify(good),
    ])
    await setup.send()
    await allPassed(setup)
    expect(idsOf(setup)).toEqual(['good'])
    const reasons = (await setup.letters()).map(({ key, code, reason }) => `${code} ${key} ${reason}`).sort()
    expect(reasons).toEqual([
      'RELAY_SENTINEL_ROW k0 record k0: column "Colour" is not in McasShadowItReporting_CL: Azure would drop it',
      'RELAY_SENTINEL_ROW k1 record k1: column TotalEvents of McasShadowItReporting_CL is a long, not "many": Azure would store null',
      'RELAY_SENTINEL_ROW k2 record k2: the row is not an object: Azure would accept and lose it',
      'RELAY_SENTINEL_ROW k3 record k3: the row is not JSON',
    ])
    expect(setup.azure.totals.lost).toBe(0)
  })

  test('larger than a request go to dead letters, and others pass them', async () => {
    await using setup = await startAzure()
    const row = (id: string, length: number): string =>
      JSON.stringify({ TimeGenerated: '2026-01-01T00:00:00Z', RecordId: id, AppName: 'x'.repeat(length) })
    await setup.put('discovery', [row('a', 10), row('b', 9_000), row('c', 10)])
    await setup.send({ requestBytesMax: 8_192 })
    await allPassed(setup)
    expect(idsOf(setup)).toEqual(['a', 'c'])
    expect(await setup.letters()).toMatchObject([{ key: 'k1', code: 'RELAY_FRAME_TOO_LARGE' }])
  })
})

describe('trouble', () => {
  test('403 for ten minutes, then success: no row lost or in dead letters, and status, log and metric said why', async () => {
    await using setup = await startAzure({ speed: 400 })
    setup.azure.faults.add({ type: 'forbidden' }, { forMs: 600_000 })
    const ids = await setup.put('alert', 50)
    const sender = await setup.send()
    await eventually(() =>
      expect(sender.status()[0]).toMatchObject({ state: 'error', lastError: { code: 'RELAY_SENTINEL_ACCESS' } }),
    )
    expect(sender.status()[0]?.lastError?.nextMove).toContain('Monitoring Metrics Publisher')
    expect(await setup.metric('siem_relay_sink_up')).toBe(0)
    expect(setup.azure.ids.size).toBe(0)
    await allPassed(setup)
    expect(idsOf(setup)).toEqual([...ids].sort())
    expect(await setup.letters()).toEqual([])
    expect(sender.status()[0]?.state).toBe('connected')
    expect(setup.logged()).toContain('may not write to the rule')
    // It asked less and less often, not all the time.
    expect(setup.azure.requests.filter(({ status }) => status === 403).length).toBeLessThan(25)
  })

  test('a 429 pauses all streams of the rule for as long as it says', async () => {
    await using setup = await startAzure()
    setup.azure.faults.add({ type: 'throttle', retryAfterSeconds: 200 })
    await setup.put('alert', 20)
    await setup.send()
    await eventually(() => expect(setup.azure.requests).toHaveLength(1))
    await setup.put('activity', 20)
    await setup.put('discovery', 20)
    await allPassed(setup)
    expect(setup.azure.earlyUploads).toEqual([])
    expect(setup.azure.ids.size).toBe(60)
  })

  test('poison goes to dead letters with what Azure said, and nothing else does', async () => {
    await using setup = await startAzure()
    const ids = await setup.put('discovery', 2_000)
    const poison = new Set([ids[0], ids[777], ids[1_999]])
    setup.azure.faults.add({ type: 'poison', row: ({ RecordId }) => poison.has(String(RecordId)) })
    await setup.send()
    await allPassed(setup)
    expect(idsOf(setup)).toEqual(ids.filter((id) => !poison.has(id)).sort())
    expect(new Set((await setup.letters()).map(({ key }) => key))).toEqual(poison)
    expect((await setup.letters())[0]).toMatchObject({
      code: 'RELAY_SENTINEL_ROW',
      reason: expect.stringContaining('HTTP 400'),
    })
  })

  test('a page of a proxy with status 200 is no acceptance', async () => {
    await using setup = await startAzure()
    setup.azure.faults.add({ type: 'proxy-page', status: 200 }, { times: 2 })
    const ids = await setup.put('alert', 10)
    await setup.send()
    await allPassed(setup)
    expect(idsOf(setup)).toEqual([...ids].sort())
  })

  test('a stream that the rule does not have holds its rows, and lets the others by', async () => {
    await using setup = await startAzure()
    await setup.put('alert', 10)
    const sender = await setup.send({ streams: { alerts: 'Custom-Misspelled' } })
    await eventually(() => expect(sender.status()[0]?.lastError?.code).toBe('RELAY_SENTINEL_TARGET'))
    expect(await setup.letters()).toEqual([])
    await sender.stop(0)
    await setup.send()
    await allPassed(setup)
    expect(setup.azure.ids.size).toBe(10)
  })

  test('an authority that cannot be read is refused before anything changes', async () => {
    await using setup = await startAzure()
    await setup.put('alert', 1)
    await expect(setup.send({ caFile: '/nowhere/ca.pem' })).rejects.toThrow(
      /agent sentinel: sentinel\.caFile \/nowhere\/ca\.pem cannot be used: ENOENT/,
    )
    const sender = await setup.send()
    const agents = [setup.agent({ caFile: '/nowhere/ca.pem' })]
    expect(() => sender.check({ agents })).toThrow(expect.objectContaining({ code: 'RELAY_CONFIG_INVALID' }))
    await allPassed(setup)
  })

  test('a certificate that a token is asked for with is known by its end, whatever Entra says to it', async () => {
    await using setup = await startAzure()
    const { certificate, privateKey } = createAuthority(Date.now())
    const certificateFile = `${setup.secretFile}.pem`
    writeFileSync(certificateFile, `${certificate}\n${privateKey}`)
    await setup.put('alert', 1)
    await setup.send({
      auth: { type: 'certificate', tenantId: 'contoso.onmicrosoft.com', clientId: 'relay', certificateFile },
    })
    await eventually(async () =>
      expect(await setup.metric('siem_relay_certificate_expiry_timestamp_seconds', { holder: 'own' })).toBe(
        Date.parse(new X509Certificate(certificate).validTo) / 1_000,
      ),
    )
  })

  test('a wrong secret is told with its fix, and a new one in the file is taken up', async () => {
    await using setup = await startAzure()
    writeFileSync(setup.secretFile, 'wrong')
    const ids = await setup.put('alert', 10)
    const sender = await setup.send()
    await eventually(() => expect(sender.status()[0]?.lastError).toMatchObject({ code: 'RELAY_SENTINEL_TOKEN' }))
    expect(sender.status()[0]?.lastError?.message).toContain('AADSTS')
    expect(setup.logged()).not.toContain('wrong')
    writeFileSync(setup.secretFile, 'a secret')
    await allPassed(setup)
    expect(idsOf(setup)).toEqual([...ids].sort())
  })
})

describe('nothing is lost', () => {
  test('through a storm of every fault, a token that expires and senders that are cut off: duplicates only where an answer was lost', async () => {
    await using setup = await startAzure({ keep: 'ids', tokenSeconds: 600 })
    const { faults } = setup.azure
    const ids = [
      ...(await setup.put('discovery', 3_000)),
      ...(await setup.put('activity', 1_500)),
      ...(await setup.put('alert', 500)),
    ]
    const lost = faults.add({ type: 'reset', at: 'after-storing' }, { share: 0.05 })
    faults.add({ type: 'reset', at: 'before-reading' }, { share: 0.04 })
    faults.add({ type: 'reset', at: 'while-reading' }, { share: 0.04 })
    faults.add({ type: 'throttle' }, { share: 0.05 })
    faults.add({ type: 'throttle', retryAfterSeconds: 2 }, { share: 0.05 })
    faults.add({ type: 'server-error', status: 503, retryAfterSeconds: 1 }, { share: 0.05 })
    faults.add({ type: 'server-error' }, { share: 0.05 })
    faults.add({ type: 'too-large' }, { share: 0.03 })
    faults.add({ type: 'token-expired' }, { share: 0.03 })
    // Two lives end without a drain, in the middle of requests.
    for (let life = 0; life < 2; life++) {
      const before = setup.azure.totals.stored
      const sender = await setup.send({ requestBytesMax: 60_000 })
      await eventually(() => expect(setup.azure.totals.stored).toBeGreaterThan(before + 500))
      await sender.stop(0)
    }
    await setup.send({ requestBytesMax: 60_000 })
    await eventually(async () => expect(await setup.lag()).toBe(0), 60_000)
    expect(idsOf(setup)).toEqual([...ids].sort())
    expect(await setup.letters()).toEqual([])
    expect(lost.used).toBeGreaterThan(0)
  }, 120_000)

  test('an answer that never comes is given up, and the rows go again', async () => {
    await using setup = await startAzure()
    setup.azure.faults.add({ type: 'hang', at: 'after-storing' })
    const ids = await setup.put('alert', 10)
    await setup.send()
    await allPassed(setup)
    expect(idsOf(setup)).toEqual([...ids].sort())
    expect(new Set(setup.azure.ids.values())).toEqual(new Set([2]))
    expect(await setup.metric('siem_relay_messages_resent_total')).toBe(10)
  })

  test('a sender that is stopped in peace sends what it took, and the next one sends nothing twice', async () => {
    await using setup = await startAzure()
    await setup.put('discovery', 4_000)
    const sender = await setup.send({ requestBytesMax: 50_000 })
    await eventually(() => expect(setup.azure.ids.size).toBeGreaterThan(500))
    await sender.stop(3_600_000)
    await setup.send()
    await allPassed(setup)
    expect(setup.azure.ids.size).toBe(4_000)
    expect(new Set(setup.azure.ids.values())).toEqual(new Set([1]))
  })
})
