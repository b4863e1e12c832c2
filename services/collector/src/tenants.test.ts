/** Twenty tenants on one collector: what goes wrong with one is its own. */
import { type SourceReport, viewSources } from '@siem-relay/common'
import { createGenerator, type RetryAfter, type Simulator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { Harness, oauth } from './testing/harness.ts'

const minuteMs = 60_000
const count = 20
const ids = Array.from({ length: count }, (_, index) => `tenant-${String(index + 1).padStart(2, '0')}`)
const refused = 'tenant-07'
const throttled = 'tenant-13'
const others = ids.filter((id) => id !== refused && id !== throttled)
const wrongSecret = 'canary-of-a-wrong-secret'
const make = createGenerator(20)

/** Each tenant with an API, records and credentials of its own. */
class Customers {
  readonly harness: Harness
  readonly #apis = new Map<string, Simulator>()

  constructor(harness: Harness) {
    this.harness = harness
  }

  static async open(harness: Harness): Promise<Customers> {
    const customers = new Customers(harness)
    for (const id of ids) customers.#apis.set(id, await harness.addSimulator({ oauth: oauthOf(id) }))
    return customers
  }

  api(id: string): Simulator {
    return this.#apis.get(id) as Simulator
  }

  /** From now on every answer but the token's is 429. */
  throttle(id: string, retryAfter: RetryAfter | undefined): void {
    for (const route of ['alerts', 'activities'] as const)
      this.api(id).faults.add(
        { type: 'throttle', ...(retryAfter === undefined ? {} : { retryAfter }) },
        { route, times: Number.POSITIVE_INFINITY },
      )
  }

  config(secretOf: (id: string) => string = (id) => oauthOf(id).clientSecret) {
    const sources = ids.map((id) => ({
      id,
      url: this.api(id).url,
      auth: { type: 'oauth', ...oauthOf(id), clientSecret: secretOf(id), tokenUrl: this.api(id).tokenUrl },
    }))
    return this.harness.config(...sources)
  }

  add(): void {
    const nowMs = this.harness.clock.nowMs()
    for (const [index, id] of ids.entries()) {
      for (let n = 0; n < 3 + (index % 3); n++) this.api(id).store.addAlert(make.alert(nowMs - n * 1_000))
      for (let n = 0; n < 4 + (index % 5); n++)
        this.api(id).store.addActivity(make.activity(nowMs - 5_000, nowMs - n * 1_000))
    }
  }

  /** What is missing or too much of each tenant, in its own topics. */
  async differences(of: readonly string[]): Promise<readonly string[]> {
    const found = await Promise.all(
      of.map(async (id) => {
        const { store } = this.api(id)
        const given = [...store.all('alerts'), ...store.all('activities')].map(({ _id }) => _id).toSorted()
        const taken = [...(await this.harness.rawIds('alerts', id)), ...(await this.harness.rawIds('activities', id))]
        return JSON.stringify(taken.toSorted()) === JSON.stringify(given) && given.length > 0
          ? []
          : [`${id}: ${given.length} given, ${taken.length} taken, ${new Set(taken).size} different`]
      }),
    )
    return found.flat()
  }
}

const oauthOf = (id: string) => ({ ...oauth, clientSecret: `canary-of-${id}` })
const withWrongSecret = (id: string): string => (id === refused ? wrongSecret : oauthOf(id).clientSecret)

const statesOf = (reports: readonly SourceReport[]): Readonly<Record<string, string>> =>
  Object.fromEntries(reports.map(({ id, state, lastError }) => [id, `${state} ${lastError?.code ?? 'well'}`]))

describe('with one bad secret and one tenant that is throttled', () => {
  const cases: readonly (readonly [string, RetryAfter | undefined])[] = [
    ['with Retry-After', { seconds: 30 }],
    ['without Retry-After', undefined],
  ]
  test.each(cases)(
    '%s, eighteen tenants get everything once, and status names the two and the fix',
    async (_, wait) => {
      await using harness = await Harness.open()
      const customers = await Customers.open(harness)
      customers.throttle(throttled, wait)
      customers.add()
      const config = customers.config(withWrongSecret)
      const running = await harness.start(config)
      await harness.pass(minuteMs, 2_000)
      expect(await customers.differences(others)).toEqual([])
      customers.add()
      // Long enough for another poll of everybody.
      await harness.pass(minuteMs, 2_000)
      expect(await customers.differences(others)).toEqual([])
      for (const id of [refused, throttled])
        expect([await harness.rawIds('alerts', id), await harness.rawIds('activities', id)]).toEqual([[], []])

      const views = viewSources(config.sources, await harness.reports(), harness.clock.nowMs())
      expect(views.map(({ id }) => id)).toEqual(ids)
      expect(views.every(({ reported, isConfigured }) => reported === 'fresh' && isConfigured)).toBe(true)
      const inTrouble = views.filter(({ lastError }) => lastError !== undefined)
      expect(inTrouble).toMatchObject([
        {
          id: refused,
          tenant: refused,
          state: 'error',
          lastError: {
            code: 'RELAY_SOURCE_AUTH',
            message: expect.stringContaining('AADSTS7000215'),
            nextMove: expect.stringContaining("Check the source's credentials"),
          },
        },
        {
          id: throttled,
          tenant: throttled,
          state: 'starting',
          budgetRemaining: 0,
          lastError: {
            code: 'RELAY_SOURCE_THROTTLED',
            message: expect.stringContaining('asks to slow down (429)'),
            nextMove: expect.stringContaining('lower requestsPerMinute'),
          },
        },
      ])
      const well = views.filter(({ id }) => others.includes(id))
      expect(well.map(({ state }) => state)).toEqual(others.map(() => 'collecting'))
      expect(well.every(({ behindSeconds = 0 }) => behindSeconds > 0)).toBe(true)
      expect(running.status().map(({ id, state }) => [id, state])).toEqual(views.map(({ id, state }) => [id, state]))

      expect(JSON.stringify(await harness.reports())).not.toContain('canary')
      // Neither is asked more often for being in trouble.
      expect(customers.api(refused).requests.length).toBeLessThanOrEqual(3)
      expect(customers.api(throttled).requests.length).toBeLessThanOrEqual(25)
      expect(customers.api(throttled).violations).toEqual([])
    },
  )

  test('each goes on when its trouble is over, without a claim or a request of the others', async () => {
    const claims: string[] = []
    await using harness = await Harness.open({
      wrapBus: (bus) =>
        new Proxy(bus, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (name !== 'writer') return typeof value === 'function' ? value.bind(target) : value
            return (...args: Parameters<typeof bus.writer>) => {
              claims.push(args[0])
              return target.writer(...args)
            }
          },
        }),
    })
    const customers = await Customers.open(harness)
    customers.throttle(throttled, undefined)
    customers.add()
    const running = await harness.start(customers.config(withWrongSecret))
    await harness.pass(30_000, 2_000)
    expect(claims.filter((owner) => owner.startsWith('collector/')).toSorted()).toEqual(
      ids.map((id) => `collector/${id}`),
    )

    claims.length = 0
    const tokensOf = (id: string): number => customers.api(id).requests.filter(({ route }) => route === 'token').length
    const before = others.map(tokensOf)
    await running.update(customers.config())
    await harness.pass(20_000, 2_000)
    expect(claims).toEqual([`collector/${refused}`])
    expect(others.map(tokensOf)).toEqual(before)
    expect(await customers.differences([...others, refused])).toEqual([])

    customers.api(throttled).faults.clear()
    await harness.passUntil(() => running.status().every(({ state }) => state === 'collecting'), 10 * minuteMs, 5_000)
    customers.add()
    await harness.pass(minuteMs, 2_000)
    expect(await customers.differences(ids)).toEqual([])
    expect(claims).toEqual([`collector/${refused}`])
    expect(statesOf(await harness.reports())).toEqual(Object.fromEntries(ids.map((id) => [id, 'collecting well'])))
  })
})
