import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus, type SqliteBus } from '@siem-relay/bus'
import {
  agentSchema,
  decodeJob,
  encodeSourceReport,
  jobsTopic,
  outTopic,
  type ReplayJob,
  rawTopic,
  type SourceReport,
  senderGroup,
  sourceStatusTopic,
} from '@siem-relay/common'
import { writeJobs } from '@siem-relay/service-kit'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { LocalControl } from './local.ts'

const hourMs = 3_600_000
const config = {
  sources: [{ id: 'contoso', type: 'defender-for-cloud-apps' }],
  agents: [
    { id: 'soc', console: true },
    { id: 'off', console: true, enabled: false, activities: { enabled: false } },
  ].map((agent) => agentSchema.parse(agent)),
}

interface Parts {
  readonly bus: SqliteBus
  readonly clock: FakeClock
  readonly control: LocalControl
  /** Puts so many messages of an agent, or raw alerts, into the log. */
  put(topic: string, count: number): Promise<void>
}

async function withControl(work: (parts: Parts) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-local-'))
  const clock = new FakeClock()
  try {
    await using bus = await openSqliteBus({ path, clock, freeBytesMin: 1_000_000 })
    await bus.ensureTopics([outTopic('soc'), outTopic('off'), rawTopic('contoso', 'alerts')])
    const put = async (topic: string, count: number): Promise<void> => {
      await using writer = await bus.writer('test')
      await writer.commit({
        records: Array.from({ length: count }, (_, n) => ({
          topic,
          key: `k${n}`,
          value: Buffer.from('x'),
          headers: {},
        })),
      })
    }
    await work({
      bus,
      clock,
      put,
      control: new LocalControl({ bus, clock, config: () => config, version: '1.0', hostName: 'relay-1' }),
    })
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

async function jobIn(bus: SqliteBus, id: string): Promise<ReplayJob | undefined> {
  await using table = await bus.table(jobsTopic)
  const value = table.get(id)
  return value === undefined ? undefined : decodeJob(value)
}

describe('counting a replay', () => {
  test('finds the records stored in the time, exactly', () =>
    withControl(async ({ clock, control, put }) => {
      await put('out.soc', 10)
      await clock.advance(hourMs)
      const fromMs = clock.nowMs()
      await put('out.soc', 20)
      await clock.advance(hourMs)
      const toMs = clock.nowMs()
      await put('out.soc', 40)
      await clock.advance(hourMs)
      const plan = await control.countReplay({ agent: 'soc', fromMs, toMs })
      expect(plan).toMatchObject({ records: 20, source: 'out', messagesPerSecondMax: 500, mark: false, toMs })
      expect(plan.stretches.reduce((sum, { from, until }) => sum + until - from, 0)).toBe(20)
      expect(await control.countReplay({ agent: 'soc', fromMs: toMs + 1, toMs: toMs + 2 })).toMatchObject({
        records: 0,
        stretches: [],
      })
      expect(await control.replays()).toEqual([])
    }))

  test('of raw records looks at the data types the agent wants', () =>
    withControl(async ({ clock, control, put }) => {
      await put('raw.contoso.alerts', 7)
      await clock.advance(1)
      const plan = await control.countReplay({ agent: 'off', fromMs: 0, toMs: clock.nowMs(), source: 'raw' })
      expect(plan.records).toBe(7)
      expect(new Set(plan.stretches.map(({ topic }) => topic))).toEqual(new Set(['raw.contoso.alerts']))
    }))

  test('ends now at the latest, and refuses a time that ends before it begins and agents nobody knows', () =>
    withControl(async ({ clock, control }) => {
      const nowMs = clock.nowMs()
      expect((await control.countReplay({ agent: 'soc', fromMs: 0, toMs: nowMs + hourMs })).toMs).toBe(nowMs)
      await expect(control.countReplay({ agent: 'soc', fromMs: nowMs, toMs: nowMs })).rejects.toThrow(/is not before/)
      await expect(control.countReplay({ agent: 'soc', fromMs: nowMs + 1, toMs: nowMs + 2 })).rejects.toMatchObject({
        code: 'RELAY_USAGE',
      })
      await expect(control.countReplay({ agent: 'who', fromMs: 0, toMs: 1 })).rejects.toThrow(
        'the configuration has no agent who; it has: soc, off',
      )
    }))
})

describe('a replay', () => {
  test('is written once and shows how far its group is', () =>
    withControl(async ({ bus, clock, control, put }) => {
      await put('out.soc', 60)
      await clock.advance(1)
      const plan = await control.countReplay({ agent: 'soc', fromMs: 0, toMs: clock.nowMs() })
      const { id } = await control.startReplay(plan)
      expect(await jobIn(bus, id)).toMatchObject({ ...plan, state: 'running', kind: 'replay' })
      expect(await control.replays()).toMatchObject([{ share: 0, replayed: 0 }])
      const [stretch] = plan.stretches
      if (stretch === undefined) throw new Error('no stretch')
      await bus.positions.set(`replay.${id}`, outTopic('soc'), stretch.partition, stretch.until)
      const passed = stretch.until - stretch.from
      expect(await control.replays()).toMatchObject([{ share: passed / 60, replayed: passed }])
      const cancelled = await control.cancelReplay(id)
      expect(cancelled).toMatchObject({ replayed: passed, job: { state: 'cancelled', replayed: passed } })
      await expect(control.cancelReplay(id)).rejects.toThrow(/has ended: it is cancelled/)
      await expect(control.cancelReplay('nobody')).rejects.toThrow(/there is no replay nobody/)
    }))

  test('of topics that are not the agent’s own is refused', () =>
    withControl(async ({ clock, control, put }) => {
      await put('out.soc', 5)
      await clock.advance(1)
      const plan = await control.countReplay({ agent: 'soc', fromMs: 0, toMs: clock.nowMs() })
      const [stretch] = plan.stretches
      if (stretch === undefined) throw new Error('no stretch')
      for (const wrong of [{ topic: 'out.off' }, { topic: 'state.collector.x' }, { partition: 6 }, { until: -1 }])
        await expect(control.startReplay({ ...plan, stretches: [{ ...stretch, ...wrong }] })).rejects.toMatchObject({
          code: 'RELAY_USAGE',
        })
    }))

  test('beyond ten that run is refused; several started at once are all there', () =>
    withControl(async ({ clock, control, put }) => {
      await put('out.soc', 5)
      await clock.advance(1)
      const plan = await control.countReplay({ agent: 'soc', fromMs: 0, toMs: clock.nowMs() })
      await Promise.all(Array.from({ length: 10 }, () => control.startReplay(plan)))
      expect(new Set((await control.replays()).map(({ job }) => job.id)).size).toBe(10)
      await expect(control.startReplay(plan)).rejects.toThrow(/10 replays are running/)
    }))

  test('that ended is forgotten after a month, once a new one starts', () =>
    withControl(async ({ bus, clock, control, put }) => {
      await put('out.soc', 5)
      await clock.advance(1)
      const plan = await control.countReplay({ agent: 'soc', fromMs: 0, toMs: clock.nowMs() })
      const old = await control.startReplay(plan)
      await writeJobs({ bus }, 'test', [{ ...old, state: 'done', endedMs: clock.nowMs(), isCleared: true }])
      await clock.advance(31 * 24 * hourMs)
      const { id } = await control.startReplay(plan)
      expect((await control.replays()).map(({ job }) => job.id)).toEqual([id])
    }))
})

describe('forgetting an agent', () => {
  test('counts first, then takes its messages and offsets; live ones and others stay', () =>
    withControl(async ({ bus, control, put }) => {
      await put('out.off', 30)
      await put('out.soc', 5)
      const [first] = (await bus.positions.of(senderGroup('off'), [outTopic('off')])).filter(({ end }) => end > 2)
      await bus.positions.set(senderGroup('off'), outTopic('off'), first?.partition ?? 0, 2)
      const kept = { agent: 'off', stored: 30, undelivered: 28 }
      expect(await control.forget({ agent: 'off', isDryRun: true })).toEqual(kept)
      expect(await control.forget({ agent: 'off' })).toEqual(kept)
      expect(await control.forget({ agent: 'off' })).toEqual({ agent: 'off', stored: 0, undelivered: 0 })
      const positions = await bus.positions.of(senderGroup('off'), [outTopic('off')])
      expect(positions.every(({ committed, end }) => committed === undefined && end === 0)).toBe(true)
      expect((await control.lag({ windowMs: 0 })).map((one) => one.sender.pending)).toEqual([5])
    }))

  test('is refused for one that is enabled, and while a replay of it runs', () =>
    withControl(async ({ clock, control, put }) => {
      await expect(control.forget({ agent: 'soc' })).rejects.toThrow(/agent soc is enabled/)
      await put('out.off', 3)
      await clock.advance(1)
      const plan = await control.countReplay({ agent: 'off', fromMs: 0, toMs: clock.nowMs() })
      const { id } = await control.startReplay(plan)
      await expect(control.forget({ agent: 'off' })).rejects.toThrow(`replay ${id} of agent off is running`)
      await control.cancelReplay(id)
      expect(await control.forget({ agent: 'off' })).toMatchObject({ stored: 3 })
    }))
})

test('metrics are those of the relay that has the log; without one there are none', () =>
  withControl(async ({ bus, clock, control }) => {
    expect(await control.metrics()).toBeUndefined()
    const parts = { bus, clock, config: () => config, version: '1.0', hostName: 'relay-1' }
    expect(await new LocalControl({ ...parts, ownMetrics: async () => 'x 1' }).metrics()).toBe('x 1')
  }))

test('a source polled in this process is as it is now, whatever the log tells of it', () =>
  withControl(async ({ bus, clock }) => {
    const report = (state: string, atMs: number): SourceReport => ({
      id: 'contoso',
      tenant: 'contoso',
      type: 'defender-for-cloud-apps',
      state,
      streams: [],
      instance: state,
      host: 'relay-1',
      atMs,
    })
    await using writer = await bus.writer('test')
    await bus.ensureTopics([sourceStatusTopic])
    const told = encodeSourceReport(report('collecting', clock.nowMs()))
    await writer.commit({ records: [{ topic: sourceStatusTopic.name, key: 'contoso', value: told, headers: {} }] })
    await clock.advance(hourMs)
    const parts = { bus, clock, config: () => config, version: '1.0', hostName: 'relay-1' }
    expect(await new LocalControl(parts).sources()).toMatchObject([{ state: 'collecting', reported: 'stale' }])
    const ownSources = (): readonly SourceReport[] => [report('error', clock.nowMs())]
    expect(await new LocalControl({ ...parts, ownSources }).sources()).toMatchObject([
      { state: 'error', reported: 'fresh', instance: 'error' },
    ])
  }))
