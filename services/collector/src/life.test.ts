/** Sources that come, change and go while the collector runs, and collectors that share them out. */
import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { Harness, startMs } from './testing/harness.ts'

const make = createGenerator(5)
const onlyAlerts = { collect: { activities: false } }
const contoso = { id: 'contoso', ...onlyAlerts }
const fabrikam = { id: 'fabrikam', ...onlyAlerts }

function addAlerts(harness: Harness, count: number): void {
  for (let n = 0; n < count; n++) harness.simulator.store.addAlert(make.alert(harness.clock.nowMs() - n))
}

describe('a new configuration', () => {
  test('starts the sources it adds, and does not disturb the others', async () => {
    let claims = 0
    await using harness = await Harness.open({
      wrapBus: (bus) =>
        new Proxy(bus, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (name === 'writer') claims++
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    addAlerts(harness, 3)
    const running = await harness.start(harness.config(contoso))
    await harness.pass(20_000)
    const before = claims
    await running.update(harness.config(fabrikam, contoso))
    await harness.pass(20_000)
    expect(claims - before).toBe(1)
    expect(running.status().map(({ id, state }) => `${id} ${state}`)).toEqual([
      'fabrikam collecting',
      'contoso collecting',
    ])
    expect(await harness.rawIds('alerts', 'fabrikam')).toHaveLength(3)
    expect(await harness.rawIds('alerts', 'contoso')).toHaveLength(3)
  })

  test('stops the sources it leaves out: no request, no status, no readiness check, no gauge', async () => {
    await using harness = await Harness.open()
    const running = await harness.start(harness.config(contoso, { ...fabrikam, tenant: 'contoso' }))
    await harness.pass(20_000)
    await running.update(harness.config(contoso))
    const asked = await harness.metric('siem_relay_source_requests_total', { source: 'fabrikam' })
    await harness.pass(60_000)
    expect(await harness.metric('siem_relay_source_requests_total', { source: 'fabrikam' })).toBe(asked)
    expect(running.status().map(({ id }) => id)).toEqual(['contoso'])
    expect(harness.world.health.report().checks.map(({ name }) => name)).toEqual(['collector/contoso'])
    const ages = await harness.world.metrics.getSingleMetric('siem_relay_checkpoint_age_seconds')?.get()
    expect(ages?.values.map(({ labels }) => labels.source)).toEqual(['contoso'])
  })

  test('a source that leaves and comes back, or changes, goes on from its cursor: nothing twice, nothing missing', async () => {
    await using harness = await Harness.open()
    addAlerts(harness, 5)
    const running = await harness.start(harness.config(contoso))
    await harness.pass(20_000)
    await running.update(harness.config({ ...contoso, pollSeconds: 30 }))
    addAlerts(harness, 5)
    await harness.pass(60_000)
    expect(await harness.rawIds('alerts')).toHaveLength(10)
    await running.update(harness.config(fabrikam))
    addAlerts(harness, 5)
    await harness.pass(60_000)
    expect(await harness.rawIds('alerts')).toHaveLength(10)
    await running.update(harness.config(fabrikam, contoso))
    await harness.pass(60_000)
    expect(new Set(await harness.rawIds('alerts')).size).toBe(15)
    expect(await harness.rawIds('alerts')).toHaveLength(15)
  })

  test('a source moves to another tenant', async () => {
    await using harness = await Harness.open()
    const running = await harness.start(harness.config(contoso, fabrikam))
    await harness.pass(20_000)
    await running.update(harness.config(contoso, { ...fabrikam, tenant: 'contoso' }))
    addAlerts(harness, 1)
    await harness.pass(20_000)
    expect(running.status().map(({ id, tenant, state }) => [id, tenant, state])).toEqual([
      ['contoso', 'contoso', 'collecting'],
      ['fabrikam', 'contoso', 'collecting'],
    ])
    expect(await harness.raw('alerts', 'contoso')).toHaveLength(2)
  })

  test('the requests of the last minute still count against the budget of the tenant', async () => {
    await using harness = await Harness.open()
    const busy = { ...contoso, pollSeconds: 1, requestsPerMinute: 10 }
    const running = await harness.start(harness.config(busy))
    await harness.pass(30_000)
    for (let n = 2; n < 12; n++) {
      await running.update(harness.config({ ...busy, pollSeconds: n / 2, requestsPerMinute: 10 - (n % 3) }))
      await harness.pass(1_000)
    }
    const first = harness.simulator.requests[0]?.atMs ?? startMs
    expect(harness.simulator.requests.filter(({ atMs }) => atMs - first < 60_000).length).toBeLessThanOrEqual(10)
  })

  test('one that cannot be used is refused, and nothing changes', async () => {
    await using harness = await Harness.open()
    const running = await harness.start(harness.config(contoso))
    const bad = harness.config({ ...fabrikam, caFile: '/no/such/authorities.pem' })
    expect(() => running.check(bad)).toThrow(/authorities\.pem/)
    await expect(running.update(bad)).rejects.toMatchObject({ code: 'RELAY_CONFIG_INVALID' })
    await harness.pass(20_000)
    expect(running.status().map(({ id, state }) => `${id} ${state}`)).toEqual(['contoso collecting'])
  })
})

describe('two collectors', () => {
  test('share out tenants; the one that is left takes over where the other stopped', async () => {
    await using harness = await Harness.open()
    const config = harness.config(contoso, fabrikam, { id: 'wingtip', tenant: 'contoso', ...onlyAlerts })
    const first = await harness.start(config)
    expect(first.status()).toHaveLength(3)
    const second = await harness.start(config)
    await harness.pass(20_000)
    const holdings = [first, second].map((one) => one.status().map(({ id }) => id))
    // Sources of one tenant have one budget and stay together.
    expect(holdings.toSorted((left, right) => left.length - right.length)).toEqual([
      ['fabrikam'],
      ['contoso', 'wingtip'],
    ])
    addAlerts(harness, 4)
    await harness.pass(20_000)
    await first.stop(1_000)
    addAlerts(harness, 4)
    await harness.pass(20_000)
    expect(second.status().map(({ id, state }) => `${id} ${state}`)).toEqual([
      'contoso collecting',
      'fabrikam collecting',
      'wingtip collecting',
    ])
    for (const tenant of ['contoso', 'fabrikam']) {
      const ids = await harness.rawIds('alerts', tenant)
      const copies = tenant === 'contoso' ? 2 : 1
      expect([ids.length, new Set(ids).size]).toEqual([8 * copies, 8])
    }
  })

  test('one that polls nothing is ready', async () => {
    await using harness = await Harness.open()
    await harness.start(harness.config(contoso))
    const spare = await harness.start(harness.config(contoso))
    await harness.pass(20_000)
    expect(spare.status()).toEqual([])
    expect(harness.world.health.report()).toMatchObject({ isReady: true, checks: [{ name: 'collector/contoso' }] })
  })
})
