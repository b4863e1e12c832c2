/** Agents that come, change, rest, retire and go while the sender runs, on a real log in a time that only the test moves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openSqliteBus, type SqliteBus } from '@siem-relay/bus'
import { agentSchema, agentStatusTopic, outTopic } from '@siem-relay/common'
import type { RunningSenders } from '@siem-relay/delivery'
import { FakeClock, type TestWorld, testWorld } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { start } from './start.ts'
import { eventually } from './testing/sender.ts'

const hourMs = 3_600_000
const header = { pri: false, systemName: false, time: 'rfc3164' }

class Harness implements AsyncDisposable {
  readonly clock = new FakeClock()
  readonly #path = mkdtempSync(join(tmpdir(), 'siem-relay-sender-'))
  readonly #chunks: string[] = []
  /** The terminal takes nothing while it is held. */
  isHeld = false
  #bus: SqliteBus | undefined
  #world: TestWorld | undefined
  #running: RunningSenders | undefined

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

  get running(): RunningSenders {
    return this.#running as RunningSenders
  }

  async restart(...agents: readonly object[]): Promise<void> {
    await this.stop()
    this.#bus = await openSqliteBus({ path: this.#path, clock: this.clock, freeBytesMin: 1_000_000 })
    this.#world = testWorld({ bus: this.#bus, clock: this.clock })
    const stdout = {
      write: (chunk: Uint8Array, done: () => void) => {
        if (this.isHeld) return
        this.#chunks.push(Buffer.from(chunk).toString())
        done()
      },
    }
    this.#running = await start(configOf(agents), this.world, { stdout })
  }

  update(...agents: readonly object[]): Promise<void> {
    return this.running.update(configOf(agents))
  }

  /** Messages are formatted for an agent now. */
  async format(ids: readonly string[], agent = 'siem'): Promise<void> {
    await this.bus.ensureTopics([outTopic(agent)])
    await using writer = await this.bus.writer('test')
    const records = ids.map((id) => ({
      topic: outTopic(agent).name,
      key: id,
      value: Buffer.from(`CEF:0|MCAS|SIEM_Agent|1|A|B|0|externalId=${id}`),
      headers: {},
    }))
    await writer.commit({ records })
  }

  get delivered(): readonly string[] {
    return [...this.#chunks.join('').matchAll(/externalId=(\S+)/g)].map(([, id]) => id ?? '').sort()
  }

  hasDelivered(ids: string): Promise<void> {
    return eventually(() => expect(this.delivered.join(' ')).toBe(ids))
  }

  /** The messages are on their way. */
  hasUnconfirmed(count: number): Promise<void> {
    return eventually(async () =>
      expect(await this.values('siem_relay_unconfirmed_messages')).toContainEqual(['siem', count]),
    )
  }

  logged(message: RegExp): readonly object[] {
    return this.world.entries.filter(({ msg }) => message.test(msg ?? ''))
  }

  async values(name: string): Promise<readonly unknown[]> {
    const metric = await this.world.metrics.getSingleMetric(name)?.get()
    return metric?.values.map(({ labels, value }) => [labels.agent, value]) ?? []
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

function configOf(agents: readonly object[]) {
  return { agents: agents.map((agent) => agentSchema.parse({ id: 'siem', console: true, header, ...agent })) }
}

describe('a new configuration', () => {
  test('starts the agents it adds and stops those it leaves out; the others are not disturbed', async () => {
    await using harness = await Harness.open({}, { id: 'old' })
    await harness.update({ name: 'SOC' }, { id: 'new' })
    await harness.format(['a'])
    await harness.format(['b'], 'new')
    await harness.format(['c'], 'old')
    await harness.hasDelivered('a b')
    expect(harness.running.status().map(({ agent }) => agent)).toEqual(['siem', 'new'])
    expect(harness.world.health.report().checks.map(({ name }) => name)).toEqual([
      'syslog-sender/siem',
      'syslog-sender/new',
    ])
    expect(harness.logged(/delivery stopped/)).toMatchObject([{ agent: 'old' }])
    expect(await harness.values('siem_relay_sink_up')).toEqual([
      ['siem', 1],
      ['new', 1],
    ])
  })

  test('an edited destination starts the sender of its agent alone; unconfirmed messages go out again', async () => {
    await using harness = await Harness.open({}, { id: 'other' })
    harness.isHeld = true
    await harness.format(['a', 'b'])
    await harness.hasUnconfirmed(2)
    const updated = harness.update({ header: { ...header, systemName: 'relay' } }, { id: 'other' })
    harness.isHeld = false
    await harness.clock.advance(8_000)
    await updated
    await harness.format(['c'])
    await harness.hasDelivered('a b c')
    expect(harness.logged(/delivery stopped/)).toMatchObject([{ agent: 'siem' }])
  })

  test('that leaves out an agent with a backlog names it with its size; put back, it is delivered', async () => {
    await using harness = await Harness.open({})
    await harness.format(['a'])
    await harness.hasDelivered('a')
    harness.isHeld = true
    await harness.format(['b', 'c'])
    await harness.hasUnconfirmed(2)
    const updated = harness.update()
    await harness.clock.advance(8_000)
    await updated
    expect(harness.logged(/agent removed with messages undelivered/)).toMatchObject([{ agent: 'siem', messages: 2 }])
    harness.isHeld = false
    await harness.clock.advance(72 * hourMs)
    await harness.update({})
    await harness.hasDelivered('a b c')
  })

  test('that this machine cannot fulfil is refused, and nothing changes', async () => {
    await using harness = await Harness.open({})
    const tcpAck = { host: '127.0.0.1', port: 514, confirm: 'tcp-ack' }
    const { agents } = configOf([{ id: 'other', console: false, syslog: tcpAck }])
    const running = await start({ agents: [] }, harness.world, {
      tuning: { readText: () => Promise.reject(new Error('no such file')) },
    })
    await expect(running.update({ agents })).rejects.toThrow(/other: confirm: tcp-ack needs Linux/)
    expect(running.status()).toEqual([])
    await running.stop(0)
  })

  test('takes back the status of an agent it leaves out', async () => {
    await using harness = await Harness.open({}, { id: 'old' })
    await using table = await harness.bus.table(agentStatusTopic)
    const known = (): string => [...table.entries()].map(([key]) => key).join(' ')
    await eventually(() => expect(known()).toBe('siem/test-1 old/test-1'))
    await harness.update({})
    await harness.clock.advance(2_000)
    await eventually(() => expect(known()).toBe('siem/test-1'))
  })
})

describe('an agent that is disabled', () => {
  test('delivers nothing, and goes on where it stopped', async () => {
    await using harness = await Harness.open({})
    await harness.format(['a'])
    await harness.hasDelivered('a')
    await harness.update({ enabled: false })
    await harness.format(['b'])
    await harness.clock.advance(47 * hourMs)
    expect(harness.delivered).toEqual(['a'])
    await harness.restart({ enabled: false })
    await harness.update({})
    await harness.hasDelivered('a b')
  })

  test('passes over what was formatted more than two days ago, counted', async () => {
    await using harness = await Harness.open({})
    await harness.format(['a'])
    await harness.hasDelivered('a')
    await harness.update({ enabled: false })
    await harness.format(['b', 'c'])
    await harness.clock.advance(47 * hourMs)
    await harness.format(['d'])
    await harness.clock.advance(3 * hourMs)
    await harness.update({})
    await harness.hasDelivered('a d')
    expect(await harness.values('siem_relay_records_skipped_total')).toEqual([['siem', 2]])
    expect(harness.logged(/passed over/)).not.toEqual([])
  })
})

test('an agent that was enabled all the time delivers its whole backlog after days without the relay', async () => {
  await using harness = await Harness.open({})
  harness.isHeld = true
  await harness.format(['a', 'b'])
  await harness.hasUnconfirmed(2)
  const stopped = harness.stop()
  await harness.clock.advance(100 * hourMs)
  await stopped
  harness.isHeld = false
  await harness.restart({})
  await harness.hasDelivered('a b')
})

test('an agent that retires delivers what there is, says when that is done, and goes without a warning', async () => {
  await using harness = await Harness.open({})
  harness.isHeld = true
  await harness.format(['a', 'b'])
  await harness.restart({ retire: true })
  await harness.clock.advance(20_000)
  expect(await harness.values('siem_relay_agent_retired')).toEqual([['siem', 0]])
  expect(harness.logged(/everything is delivered/)).toEqual([])
  harness.isHeld = false
  await harness.restart({ retire: true })
  await harness.hasDelivered('a b')
  await eventually(async () => {
    await harness.clock.advance(5_000)
    expect(await harness.values('siem_relay_agent_retired')).toEqual([['siem', 1]])
  })
  expect(harness.logged(/everything is delivered/)).toHaveLength(1)
  await harness.update()
  expect(harness.logged(/undelivered/)).toEqual([])
  expect(await harness.values('siem_relay_agent_retired')).toEqual([])
})
