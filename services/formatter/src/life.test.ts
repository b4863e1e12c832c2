/** Agents that come, change, rest and go while the formatter runs, on a real log in a time that only the test moves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openSqliteBus, type SqliteBus } from '@siem-relay/bus'
import { agentSchema, formatterGroup, outTopic, rawHeaders, rawTopic } from '@siem-relay/common'
import type { Reconfigurable } from '@siem-relay/service-kit'
import { FakeClock, metricSum, type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { describe, expect, test, vi } from 'vitest'
import type { FormatterConfig } from './config.ts'
import { start } from './start.ts'

const hourMs = 3_600_000
const raw = rawTopic('contoso', 'activities')

class Harness implements AsyncDisposable {
  readonly clock = new FakeClock()
  readonly #path = mkdtempSync(join(tmpdir(), 'siem-relay-formatter-'))
  #bus: SqliteBus | undefined
  #world: TestWorld | undefined
  #running: Reconfigurable<FormatterConfig> | undefined

  static async open(...agents: readonly object[]): Promise<Harness> {
    const harness = new Harness()
    await harness.restart(...agents)
    return harness
  }

  get bus(): Bus {
    return this.#bus as Bus
  }

  get world(): TestWorld {
    return this.#world as TestWorld
  }

  /** The process ends and another one begins, after a while, with these agents. */
  async restart(...agents: readonly object[]): Promise<void> {
    await this.stop()
    this.#bus = await openSqliteBus({ path: this.#path, clock: this.clock, freeBytesMin: 1_000_000 })
    this.#world = testWorld({ bus: this.#bus, clock: this.clock })
    this.#running = await start(this.#config(agents), this.world)
  }

  update(...agents: readonly object[]): Promise<void> {
    return (this.#running as Reconfigurable<FormatterConfig>).update(this.#config(agents))
  }

  #config(agents: readonly object[]): FormatterConfig {
    const parsed = agents.map((agent) => agentSchema.parse({ id: 'siem', console: true, ...agent }))
    return { agents: parsed, tenants: ['contoso'], version: '1.0.0' }
  }

  /** Records of these ids come from the source now. */
  async receive(...ids: readonly string[]): Promise<void> {
    await this.bus.ensureTopics([raw])
    await using writer = await this.bus.writer('test')
    await writer.commit({
      records: ids.map((id) => ({
        topic: raw.name,
        key: id,
        value: Buffer.from(JSON.stringify({ _id: id, timestamp: 1_700_000_000_000, description: id })),
        headers: { [rawHeaders.tenant]: 'contoso', [rawHeaders.source]: 'contoso' },
      })),
    })
  }

  async formatted(agent = 'siem'): Promise<readonly string[]> {
    const keys: string[] = []
    await this.bus.ensureTopics([outTopic(agent)])
    for (let partition = 0; partition < outTopic(agent).partitions; partition++)
      for await (const { key } of this.bus.read(outTopic(agent), partition, 0)) keys.push(key)
    return keys.sort()
  }

  /** Waits until exactly these were formatted since the first start. */
  async hasFormatted(ids: string, agent = 'siem'): Promise<void> {
    await vi.waitFor(async () => expect((await this.formatted(agent)).join(' ')).toBe(ids), { timeout: 10_000 })
    await vi.waitFor(async () => expect(await this.#pending(agent)).toBe(0), { timeout: 10_000 })
    expect((await this.formatted(agent)).join(' ')).toBe(ids)
  }

  async #pending(agent: string): Promise<number> {
    const positions = await this.bus.positions.of(formatterGroup(agent), [raw])
    return positions.reduce((sum, { lag }) => sum + lag, 0)
  }

  logged(message: string): readonly object[] {
    return this.world.entries.filter(({ msg }) => msg === message)
  }

  skipped(): Promise<number> {
    return metricSum(this.world.metrics, 'siem_relay_records_skipped_total')
  }

  async stop(): Promise<void> {
    await this.#running?.stop(0)
    await this.#bus?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#path, { recursive: true, force: true })
  }
}

describe('a new configuration', () => {
  test('a new agent starts two days back, and does not disturb the others', async () => {
    await using harness = await Harness.open({})
    await harness.receive('a')
    await harness.hasFormatted('a')
    await harness.clock.advance(47 * hourMs)
    await harness.receive('b')
    await harness.clock.advance(2 * hourMs)
    await harness.update({}, { id: 'second' })
    await harness.receive('c')
    await harness.hasFormatted('b c', 'second')
    await harness.hasFormatted('a b c')
    expect(harness.logged('formatting stopped')).toEqual([])
  })

  test('an edited filter starts the formatter of its agent alone, from where it was, with the ids it has seen', async () => {
    await using harness = await Harness.open({}, { id: 'other' })
    await harness.receive('a', 'b')
    await harness.hasFormatted('a b')
    await harness.update({ activities: { filter: { 'activity.id': { neq: ['c'] } } } }, { id: 'other' })
    await harness.receive('b', 'c', 'd')
    await harness.hasFormatted('a b d')
    await harness.hasFormatted('a b c d', 'other')
    expect(new Set(harness.logged('formatting stopped').map((entry) => Object(entry).agent))).toEqual(new Set(['siem']))
  })

  test('an edit of the name or the destination disturbs no formatter', async () => {
    const syslog = { host: 'siem.contoso.com', port: 514 }
    await using harness = await Harness.open({ console: false, syslog })
    await harness.update({ console: false, name: 'SOC', syslog: { ...syslog, host: 'other.contoso.com', port: 6514 } })
    expect(harness.logged('formatting stopped')).toEqual([])
    await harness.update({ console: false, syslog: { ...syslog, protocol: 'udp' } })
    expect(harness.logged('formatting stopped'), 'shorter lines').toHaveLength(1)
  })

  test('an agent that is taken out stops, and goes on where it stopped when it is put back', async () => {
    await using harness = await Harness.open({})
    await harness.receive('a')
    await harness.hasFormatted('a')
    await harness.update()
    await harness.receive('b')
    await harness.clock.advance(72 * hourMs)
    expect(await harness.formatted()).toEqual(['a'])
    await harness.update({})
    await harness.hasFormatted('a b')
  })
})

describe('an agent that is disabled', () => {
  test('goes on where it stopped when it is enabled again', async () => {
    await using harness = await Harness.open({})
    await harness.receive('a')
    await harness.hasFormatted('a')
    await harness.update({ enabled: false })
    await harness.receive('b')
    await harness.clock.advance(47 * hourMs)
    await harness.receive('c')
    expect(await harness.formatted()).toEqual(['a'])
    await harness.update({})
    await harness.hasFormatted('a b c')
    expect(await harness.skipped()).toBe(0)
  })

  test('goes on two days back when it stopped longer ago', async () => {
    await using harness = await Harness.open({})
    await harness.receive('a')
    await harness.hasFormatted('a')
    await harness.update({ enabled: false })
    await harness.receive('b', 'c')
    await harness.clock.advance(hourMs / 2)
    await harness.receive('d')
    await harness.clock.advance(48 * hourMs - 60_000)
    await harness.update({})
    await harness.hasFormatted('a d')
    expect(await harness.skipped()).toBe(2)
    await harness.receive('e')
    await harness.hasFormatted('a d e')
  })

  test('is known as such after a restart: while disabled, and when it is enabled with the restart', async () => {
    await using harness = await Harness.open({ enabled: false }, { id: 'other' })
    await harness.restart({}, { id: 'other' })
    await harness.receive('a')
    await harness.hasFormatted('a')
    await harness.restart({ enabled: false }, { id: 'other' })
    await harness.receive('b')
    await harness.clock.advance(60 * hourMs)
    await harness.receive('c')
    await harness.restart({ enabled: false }, { id: 'other' })
    await harness.clock.advance(hourMs)
    await harness.restart({}, { id: 'other' })
    await harness.hasFormatted('a c')
    await harness.hasFormatted('a b c', 'other')
  })

  test('that never ran is not moved: it starts two days back by itself', async () => {
    await using harness = await Harness.open({ enabled: false }, { id: 'other' })
    await harness.receive('a')
    await harness.clock.advance(60 * hourMs)
    await harness.receive('b')
    await harness.update({}, { id: 'other' })
    await harness.hasFormatted('b')
  })

  test('the same holds for a data type that is switched off', async () => {
    await using harness = await Harness.open({})
    await harness.receive('a')
    await harness.hasFormatted('a')
    await harness.update({ activities: { enabled: false } })
    await harness.receive('b')
    await harness.clock.advance(49 * hourMs)
    await harness.receive('c')
    await harness.update({})
    await harness.hasFormatted('a c')
  })
})

test('an agent that was enabled all the time loses nothing, however long the relay was off', async () => {
  await using harness = await Harness.open({})
  await harness.receive('a')
  await harness.hasFormatted('a')
  await harness.update()
  await harness.receive('b')
  await harness.clock.advance(100 * hourMs)
  await harness.restart({})
  await harness.hasFormatted('a b')
})

test('an agent that retires takes no new records', async () => {
  await using harness = await Harness.open({})
  await harness.receive('a')
  await harness.hasFormatted('a')
  await harness.update({ retire: true })
  await harness.receive('b')
  await harness.restart({ retire: true })
  expect(await harness.formatted()).toEqual(['a'])
})
