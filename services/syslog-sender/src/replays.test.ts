import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openSqliteBus } from '@siem-relay/bus'
import {
  agentSchema,
  decodeJob,
  jobsTopic,
  outHeaders,
  outTopic,
  type ReplayJob,
  replayFormatterGroup,
  replaySenderGroup,
  replayStateTopic,
  replayTopic,
} from '@siem-relay/common'
import { systemClock, writeJobs } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { start } from './start.ts'
import { RelpServer } from './testing/relp-server.ts'
import { eventually } from './testing/sender.ts'

const lines = (count: number): string[] =>
  Array.from({ length: count }, (_, number) => `CEF:0|a|b|c|d|e|3|externalId=${number}`)

/** Puts messages into a topic, as a formatter would. */
async function put(bus: Bus, topic: string, texts: readonly string[]): Promise<void> {
  await using writer = await bus.writer('test')
  await writer.commit({
    records: texts.map((text, number) => ({
      topic,
      key: `k${number}`,
      value: Buffer.from(text),
      headers: { [outHeaders.eventTimeMs]: '1677791402022', [outHeaders.severity]: '3' },
    })),
  })
}

async function jobOn(bus: Bus, changes: Partial<ReplayJob> = {}): Promise<ReplayJob> {
  const positions = await bus.positions.of('any', [outTopic('soc')])
  const stretches = positions
    .filter(({ end }) => end > 0)
    .map(({ topic, partition, end }) => ({ topic, partition, from: 0, until: end }))
  return {
    kind: 'replay',
    id: 'r1',
    agent: 'soc',
    createdMs: 1,
    fromMs: 0,
    toMs: 1,
    source: 'out',
    stretches,
    records: stretches.reduce((sum, { until }) => sum + until, 0),
    messagesPerSecondMax: 100_000,
    mark: false,
    state: 'running',
    isCleared: false,
    ...changes,
  }
}

const relpAgent = ({ port }: RelpServer): object => ({
  id: 'soc',
  enabled: false,
  syslog: { host: '127.0.0.1', port, protocol: 'relp' },
})

interface Parts {
  readonly bus: Bus
  /** Lines on the console so far, without their header. */
  readonly written: () => readonly string[]
  readonly startSender: (agent?: object) => ReturnType<typeof start>
  readonly job: (id?: string) => Promise<ReplayJob | undefined>
  readonly metrics: () => Promise<string>
}

async function withSender(work: (parts: Parts) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-replays-'))
  try {
    await using bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 1_000_000 })
    await bus.ensureTopics([outTopic('soc'), jobsTopic])
    await using running = new AsyncDisposableStack()
    let output = ''
    let instances = 0
    const stdout = {
      write(chunk: Uint8Array, done: (error?: Error | null) => void) {
        output += Buffer.from(chunk).toString()
        done()
      },
    }
    const world = { ...testWorld({ bus }), clock: systemClock }
    await work({
      bus,
      written: () =>
        output
          .split('\n')
          .slice(0, -1)
          .map((line) => line.slice(line.indexOf('CEF:'))),
      startSender: async (agent = { id: 'soc', console: true, enabled: false }) =>
        running.use(
          await start(
            { agents: [agentSchema.parse(agent)] },
            { ...world, instanceId: `test-${++instances}` },
            { stdout },
          ),
        ),
      job: async (id = 'r1') => {
        await using table = await bus.table(jobsTopic)
        const value = table.get(id)
        return value === undefined ? undefined : decodeJob(value)
      },
      metrics: () => world.metrics.metrics(),
    })
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

describe('a replay job', () => {
  test('of dead letters delivers what came with it, then is done, and its topic goes', () =>
    withSender(async ({ bus, job, metrics, startSender, written }) => {
      await bus.ensureTopics([replayTopic('r1')])
      await put(bus, replayTopic('r1').name, lines(30))
      const letters = await jobOn(bus, { source: 'letters', records: 30, stretches: [] })
      await writeJobs({ bus }, 'control', [letters])
      await using sender = await startSender()
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', replayed: 30, isCleared: true }))
      expect(new Set(written())).toEqual(new Set(lines(30)))
      expect(await metrics()).toContain('siem_relay_replayed_messages_total{agent="soc"} 30')
      expect((await bus.positions.of('any', [replayTopic('r1')])).every(({ end }) => end === 0)).toBe(true)
      await sender.stop(0)
    }))

  test('goes out once, is written as done, and leaves no group behind; the agent need not be enabled', () =>
    withSender(async ({ bus, written, startSender, job, metrics }) => {
      await put(bus, 'out.soc', lines(40))
      await writeJobs({ bus }, 'test', [await jobOn(bus)])
      await put(bus, 'out.soc', ['CEF:0|a|b|c|d|e|3|externalId=later'])
      await startSender()
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', replayed: 40, isCleared: true }))
      expect(written().toSorted()).toEqual(lines(40).toSorted())
      const positions = await bus.positions.of(replaySenderGroup('r1'), [outTopic('soc')])
      expect(positions.map(({ committed }) => committed)).toEqual(positions.map(() => undefined))
      expect(await metrics()).toContain('siem_relay_replayed_messages_total{agent="soc"} 40')
      expect(await metrics()).not.toMatch(/siem_relay_messages_delivered_total\{agent="soc"\} [1-9]/)
    }))

  test('marks its lines where they have room for it', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await put(bus, 'out.soc', ['CEF:0|a|b|c|d|e|3|externalId=1'])
      await writeJobs({ bus }, 'test', [await jobOn(bus, { mark: true })])
      await startSender()
      await eventually(async () => expect((await job())?.state).toBe('done'))
      expect(written()).toEqual(['CEF:0|a|b|c|d|e|3|externalId=1 cs6Label=replayJob cs6=r1'])
    }))

  test('that ended while nobody was there to clear it away is cleared at the next start', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await put(bus, 'out.soc', lines(3))
      const cancelled = await jobOn(bus, { state: 'cancelled' })
      await bus.positions.set(replaySenderGroup('r1'), outTopic('soc'), 0, 0)
      await writeJobs({ bus }, 'test', [cancelled])
      await startSender()
      await eventually(async () => expect(await job()).toMatchObject({ state: 'cancelled', isCleared: true }))
      const [position] = await bus.positions.of(replaySenderGroup('r1'), [outTopic('soc')])
      expect(position?.committed).toBeUndefined()
      expect(written()).toEqual([])
    }))

  test('without anything to send is done at once', () =>
    withSender(async ({ bus, startSender, job }) => {
      await writeJobs({ bus }, 'test', [await jobOn(bus)])
      await startSender()
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', replayed: 0, isCleared: true }))
    }))

  test('of an agent nobody knows any more fails with its reason', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await put(bus, 'out.soc', lines(3))
      await writeJobs({ bus }, 'test', [await jobOn(bus)])
      await startSender({ id: 'other', console: true })
      await eventually(async () =>
        expect(await job()).toMatchObject({
          state: 'failed',
          reason: 'the configuration has no agent soc any more',
          isCleared: true,
        }),
      )
      expect(written()).toEqual([])
    }))

  test('whose agent is taken out of the configuration while it runs fails with its reason', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await put(bus, 'out.soc', lines(200))
      await writeJobs({ bus }, 'test', [await jobOn(bus, { messagesPerSecondMax: 10 })])
      const sender = await startSender()
      await eventually(() => expect(written().length).toBeGreaterThan(0))
      await sender.update({ agents: [] })
      await eventually(async () => expect(await job()).toMatchObject({ state: 'failed', isCleared: true }))
      expect(written().length).toBeLessThan(200)
    }))

  test('goes on to where the agent’s messages go now: nothing is missing', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await using server = await RelpServer.start()
      await put(bus, 'out.soc', lines(160))
      await writeJobs({ bus }, 'test', [await jobOn(bus, { messagesPerSecondMax: 20 })])
      const sender = await startSender()
      await eventually(() => expect(written().length).toBeGreaterThan(0))
      await sender.update({ agents: [agentSchema.parse(relpAgent(server))] })
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', isCleared: true }))
      expect(new Set([...written(), ...server.lines])).toEqual(new Set(lines(160)))
      expect(server.lines.length).toBeGreaterThan(0)
    }))

  test('goes out over RELP too, each message confirmed, with its mark', () =>
    withSender(async ({ bus, startSender, job }) => {
      await using server = await RelpServer.start()
      await put(bus, 'out.soc', lines(300))
      await writeJobs({ bus }, 'test', [await jobOn(bus, { mark: true })])
      await startSender(relpAgent(server))
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', replayed: 300, isCleared: true }))
      const marked = lines(300).map((line) => `${line} cs6Label=replayJob cs6=r1`)
      expect(server.lines.toSorted()).toEqual(marked.toSorted())
    }))

  test('keeps to its pace: cancelled early, most of it was not sent', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await put(bus, 'out.soc', lines(200))
      const running = await jobOn(bus, { messagesPerSecondMax: 10 })
      await writeJobs({ bus }, 'test', [running])
      await startSender()
      await eventually(() => expect(written().length).toBeGreaterThan(0))
      await writeJobs({ bus }, 'test', [{ ...running, state: 'cancelled' }])
      await eventually(async () => expect(await job()).toMatchObject({ state: 'cancelled', isCleared: true }))
      expect(written().length).toBeLessThan(200)
    }))

  test('two instances share a job: every message once, and it is done once', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      await put(bus, 'out.soc', lines(500))
      await startSender()
      await writeJobs({ bus }, 'test', [await jobOn(bus)])
      await startSender()
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', isCleared: true }))
      expect(written().toSorted()).toEqual(lines(500).toSorted())
    }))

  test('from raw records ends when the formatter is through and its messages are delivered; then its topics go', () =>
    withSender(async ({ bus, written, startSender, job }) => {
      const raw = { name: 'raw.contoso.alerts', partitions: 1, cleanup: 'delete', retentionMs: 1e9 } as const
      await bus.ensureTopics([raw, replayTopic('r1'), replayStateTopic('r1')])
      await put(bus, raw.name, ['{}', '{}'])
      await put(bus, replayTopic('r1').name, lines(10))
      const stretches = [{ topic: raw.name, partition: 0, from: 0, until: 2 }]
      await writeJobs({ bus }, 'test', [await jobOn(bus, { source: 'raw', stretches, records: 2 })])
      await startSender()
      await eventually(() => expect(written()).toHaveLength(10))
      expect((await job())?.state).toBe('running')
      await bus.positions.set(replayFormatterGroup('r1'), raw, 0, 2)
      await eventually(async () => expect(await job()).toMatchObject({ state: 'done', replayed: 10, isCleared: true }))
      // A topic keeps its kind as long as it is there.
      await bus.ensureTopics([{ ...replayTopic('r1'), cleanup: 'compact' }])
    }))
})
