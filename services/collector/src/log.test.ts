import type { Bus, Writer } from '@siem-relay/bus'
import { collectorStateTopic, RelayError } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { Harness, startMs } from './testing/harness.ts'

const make = createGenerator(3)

/** A bus whose writers fail as told: an error per commit, `undefined` lets it through. */
function failing(bus: Bus, nextFailure: () => Error | undefined): Bus {
  return new Proxy(bus, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'writer') return typeof value === 'function' ? value.bind(target) : value
      return async (...args: Parameters<Bus['writer']>): Promise<Writer> => {
        const writer = await target.writer(...args)
        return {
          state: writer.state,
          commit: (changes) => {
            const failure = nextFailure()
            return failure === undefined ? writer.commit(changes) : Promise.reject(failure)
          },
          [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
        }
      }
    },
  })
}

describe('the log', () => {
  test.each(['RELAY_LOG_FULL', 'RELAY_LOG_WRITE'] as const)(
    'a commit that fails with %s is made again every second; the page is not read again',
    async (code) => {
      let failures = 7
      await using harness = await Harness.open({
        wrapBus: (bus) => failing(bus, () => (failures-- > 0 ? new RelayError(code, 'no room') : undefined)),
      })
      for (let i = 0; i < 30; i++) harness.simulator.store.addAlert(make.alert(startMs - i * 1_000))
      const running = await harness.start(harness.config({ collect: { activities: false } }))
      await harness.pass(3_000)
      expect(running.status()[0]?.streams[0]?.lastError).toMatchObject({ code })
      expect(await harness.rawIds('alerts')).toEqual([])
      await harness.pass(5_000)
      expect(harness.simulator.requests).toHaveLength(1)
      expect(await harness.rawIds('alerts')).toHaveLength(30)
      await harness.pass(20_000)
      expect(await harness.rawIds('alerts')).toHaveLength(30)
      expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
    },
  )

  test('while the log takes nothing the source is not asked, and goes on by itself', async () => {
    let freeBytes = 1e9
    await using harness = await Harness.open({
      bus: { freeBytesMin: 1e6, diskSpace: () => ({ freeBytes, totalBytes: 2e9 }) },
      wrapBus: (bus) =>
        new Proxy(bus, {
          get(target, name) {
            if (name === 'intake')
              return () => (freeBytes < 1e6 ? { open: false, reason: 'the disk is full' } : { open: true })
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    const running = await harness.start()
    await harness.pass(20_000)
    freeBytes = 0
    await harness.pass(12_000)
    const { length } = harness.simulator.requests
    await harness.pass(60_000)
    expect(harness.simulator.requests).toHaveLength(length)
    expect(running.status()[0]).toMatchObject({
      state: 'waiting',
      lastError: { code: 'RELAY_LOG_FULL', message: expect.stringContaining('the disk is full') },
    })
    freeBytes = 1e9
    harness.simulator.store.addAlert(make.alert(harness.clock.nowMs()))
    await harness.pass(5_000)
    expect(await harness.rawIds('alerts')).toHaveLength(1)
    expect(running.status()[0]?.state).toBe('collecting')
  })

  test('a source that another owner took over writes nothing more, and claims its place again after a while', async () => {
    await using harness = await Harness.open()
    const running = await harness.start()
    await harness.pass(20_000)
    const other = await harness.bus.writer('collector/contoso', collectorStateTopic('contoso'))
    harness.simulator.store.addAlert(make.alert(harness.clock.nowMs()))
    await harness.passUntil(() => running.status()[0]?.lastError?.code === 'RELAY_BUS_FENCED', 20_000)
    expect(running.status()[0]?.state).toBe('waiting')
    expect(await harness.rawIds('alerts')).toEqual([])
    const { length } = harness.simulator.requests
    await harness.pass(4_000)
    expect(harness.simulator.requests).toHaveLength(length)
    await harness.passUntil(() => running.status()[0]?.state === 'collecting', 60_000)
    await expect(other.commit({ state: [{ key: 'any', value: Buffer.alloc(0) }] })).rejects.toMatchObject({
      code: 'RELAY_BUS_FENCED',
    })
    await harness.pass(20_000)
    expect(await harness.rawIds('alerts')).toHaveLength(1)
    expect(running.status()[0]).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('a log that is closed ends the service', async () => {
    await using harness = await Harness.open()
    const running = await harness.start()
    const ended = expect(running.failed).rejects.toMatchObject({ code: 'RELAY_BUS_CLOSED' })
    await harness.bus[Symbol.asyncDispose]()
    await ended
  })

  test('a stop lets the commit under way finish', async () => {
    let release: (() => void) | undefined
    await using harness = await Harness.open({
      wrapBus: (bus) =>
        new Proxy(bus, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (name !== 'writer') return typeof value === 'function' ? value.bind(target) : value
            return async (...args: Parameters<Bus['writer']>): Promise<Writer> => {
              const writer = await target.writer(...args)
              if (args[0] !== 'collector/contoso') return writer
              return {
                state: writer.state,
                commit: async (changes) => {
                  await new Promise<void>((resolve) => {
                    release = resolve
                  })
                  await writer.commit(changes)
                },
                [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
              }
            }
          },
        }),
    })
    harness.simulator.store.addAlert(make.alert(startMs - 5_000))
    const starting = harness.start(harness.config({ collect: { activities: false } }))
    while (release === undefined) await new Promise<void>((resolve) => setImmediate(resolve))
    const stopped = harness.stopAll()
    release()
    await stopped
    await starting.catch(() => undefined)
    expect(await harness.rawIds('alerts')).toHaveLength(1)
  })

  test('a claim that fails for now is made again', async () => {
    let failures = 2
    await using harness = await Harness.open({
      wrapBus: (bus) =>
        new Proxy(bus, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (name === 'writer' && failures-- > 0)
              return () => Promise.reject(new RelayError('RELAY_LOG_WRITE', 'not now'))
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    const running = await harness.start()
    await harness.pass(10_000)
    expect(running.status()[0]?.state).toBe('collecting')
  })

  test('metrics say how old the checkpoint is and what is left of the budget', async () => {
    await using harness = await Harness.open()
    await harness.start()
    await harness.pass(30_000)
    expect(await harness.metric('siem_relay_checkpoint_age_seconds', { kind: 'alerts' })).toBeGreaterThanOrEqual(120)
    expect(await harness.metric('siem_relay_checkpoint_age_seconds', { kind: 'alerts' })).toBeLessThan(140)
    expect(await harness.metric('siem_relay_budget_remaining', { tenant: 'contoso', api: 'cloud-apps' })).toBeLessThan(
      30,
    )
    expect(await harness.metric('siem_relay_source_requests_total', { result: 'ok' })).toBe(
      harness.simulator.requests.length,
    )
  })
})

test('a source on plain http elsewhere is warned about, one on this machine is not', async () => {
  await using harness = await Harness.open()
  const warnings = (): number => harness.world.entries.filter(({ msg }) => /plain http/.test(String(msg))).length
  await harness.start()
  expect(warnings()).toBe(0)
  // A reserved name (RFC 2606): it never resolves.
  await harness.start(harness.config({ id: 'test-server', url: 'http://simulator.invalid:8090', allowPlainHttp: true }))
  expect(warnings()).toBe(1)
})
