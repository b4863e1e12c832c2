/** One alert, once: labelled attacks as both products report them, through the formatter's partition. */
import type { Assignment, BusRecord, NewRecord, StageOutput } from '@siem-relay/bus'
import { agentSchema, parseCef, rawHeaders } from '@siem-relay/common'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { createScenario, type ScenarioRecord } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { openPartition } from '../../services/formatter/src/partition.ts'

const startMs = Date.UTC(2026, 0, 15)

const toBusRecord = ({ api, id, publishedMs, version, body }: ScenarioRecord, offset: number): BusRecord => ({
  topic: 'raw.contoso.alerts',
  partition: 0,
  offset,
  key: id,
  value: Buffer.from(JSON.stringify(body)),
  headers: {
    [rawHeaders.source]: api,
    [rawHeaders.tenant]: 'contoso',
    [rawHeaders.portalUrl]: 'https://contoso.portal.cloudappsecurity.com',
    ...(api === 'graph' ? { [rawHeaders.shape]: 'graph-alert' } : {}),
    ...(version === undefined ? {} : { [rawHeaders.version]: version }),
  },
  appendedMs: publishedMs,
})

interface Run {
  readonly messages: readonly NewRecord[]
  readonly discarded: readonly NewRecord[]
  readonly counts: { received: number; formatted: number; duplicates: number; repeated: number }
}

/** @param batchSize how many records the next batch has. @param cuts whether the worker dies before the next commit, or after it. */
function format(
  records: readonly BusRecord[],
  agent: object,
  batchSize: () => number = () => 500,
  cuts: () => 'before' | 'after' | undefined = () => undefined,
): Run {
  const state = new Map<string, Buffer>()
  const out: NewRecord[] = []
  const counts = { received: 0, formatted: 0, duplicates: 0, repeated: 0 }
  const open = () =>
    openPartition({ topic: 'raw.contoso.alerts', partition: 0, state: new Map(state) } satisfies Assignment, {
      agent: agentSchema.parse({ id: 'siem', console: true, ...agent }),
      defaultVersion: '1.0',
      bytesMax: 8_000,
      nowMs: () => startMs,
      count: (_kind, batch) => {
        for (const name of ['received', 'formatted', 'duplicates', 'repeated'] as const) counts[name] += batch[name]
      },
    })
  let stage = open()
  const commit = (output: StageOutput): void => {
    out.push(...output.records.map((one) => ({ ...one, value: Buffer.from(one.value ?? []) })))
    for (const { key, value } of output.state ?? []) {
      if (value === null) state.delete(key)
      else state.set(key, Buffer.from(value))
    }
    stage.committed?.()
  }
  for (let from = 0; from < records.length; ) {
    const batch = records.slice(from, from + batchSize())
    const cut = cuts()
    const output = stage.process(batch)
    if (cut === 'before') {
      stage = open()
      continue
    }
    commit(output)
    from += batch.length
    if (cut === 'after') stage = open()
  }
  if (stage.dueMs?.() !== undefined) commit(stage.idle?.(Number.POSITIVE_INFINITY) ?? { records: [] })
  return {
    messages: out.filter(({ topic }) => topic === 'out.siem'),
    discarded: out.filter(({ topic }) => topic === 'discarded'),
    counts,
  }
}

const keysOf = (records: readonly NewRecord[]): readonly string[] => records.map(({ key }) => key)
const policies = ['first', 'prefer-identity', 'prefer-cloud-apps', 'annotate', 'off'] as const

describe('labelled attacks', () => {
  describe.each([1, 2, 3, 4, 5])('of seed %i', (seed) => {
    const scenario = createScenario(seed, { startMs })
    const byId = new Map(scenario.map((record) => [record.id, record]))
    const updates = scenario.filter(({ isUpdate }) => isUpdate)
    const records = scenario.map(toBusRecord)

    test('are at least 2,000 alerts, 500 twin pairs and 300 near misses', () => {
      expect(scenario.length).toBeGreaterThanOrEqual(2_000)
      expect(
        scenario.filter(({ isTwin, nearMiss, isUpdate }) => isTwin && nearMiss === undefined && !isUpdate).length / 2,
      ).toBe(500)
      const likes = scenario.filter(({ nearMiss, api }) => nearMiss !== undefined && api === 'defender')
      expect(likes.length).toBeGreaterThanOrEqual(300)
    })

    test.each(policies)('policy %s: no false merge, at most 1 % of twins missed', (policy) => {
      const { messages, discarded, counts } = format(records, { dedup: { policy } })
      const attacks = new Set(scenario.map(({ attack }) => attack))
      const delivered = Map.groupBy(messages, ({ key }) => byId.get(key)?.attack ?? 0)
      expect(attacks.size - delivered.size).toBe(0)
      const pairs = new Set(scenario.filter(({ isTwin }) => isTwin).map(({ attack }) => attack))
      // Every update is sent, and is no duplicate of anything.
      const sentOf = (id: string): number => messages.filter(({ key }) => key === id).length
      const discardedIds = new Set(keysOf(discarded))
      expect(updates.filter(({ id }) => sentOf(id) !== (discardedIds.has(id) ? 1 : 2))).toEqual([])
      // An update of the copy that was left out brings its id after all; it counts neither way.
      const updated = new Set(updates.map(({ attack }) => attack))
      const twice = [...delivered].filter(([attack, copies]) => !updated.has(attack) && copies.length > 1).length
      if (policy === 'annotate' || policy === 'off') {
        expect(messages.length).toBe(scenario.length)
        expect(discarded).toEqual([])
        return
      }
      expect(twice / (pairs.size - updated.size)).toBeLessThanOrEqual(0.01)
      for (const { key, value, headers } of discarded) {
        const evidence = JSON.parse(Buffer.from(value ?? []).toString())
        expect(headers.reason).toBe('duplicate')
        expect(evidence).toMatchObject({ policy, discarded: { id: key } })
        // Strict: the very copy of the same attack.
        expect(byId.get(evidence.kept.id)?.attack).toBe(byId.get(key)?.attack)
        expect(evidence.matched.length).toBeGreaterThanOrEqual(2)
        expect(evidence.distanceMs).toBeLessThanOrEqual(3_600_000)
      }
      expect(counts.received).toBe(scenario.length)
      expect(counts.formatted + counts.duplicates).toBe(counts.received)
    })

    test.each(policies)('policy %s: batches, restarts at any point and a replay do not change the output', (policy) => {
      const agent = { dedup: { policy } }
      const whole = format(records, agent)
      const random = seededRandom(seed)
      const cut = format(
        records,
        agent,
        () => 1 + Math.floor(random() * 40),
        () => (random() < 0.1 ? 'before' : random() < 0.2 ? 'after' : undefined),
      )
      expect(keysOf(cut.messages)).toEqual(keysOf(whole.messages))
      expect(keysOf(cut.discarded)).toEqual(keysOf(whole.discarded))
      expect(keysOf(format(records, agent, () => 7).messages)).toEqual(keysOf(whole.messages))
    })
  })
})

describe('a preference', () => {
  const records = createScenario(9, { startMs, pairs: 100, nearMisses: 0, singles: 0, updates: 0, others: 0 }).map(
    toBusRecord,
  )

  test('keeps the copy of its product for all that come within the grace time', () => {
    const dedup = { policy: 'prefer-identity', graceMinutes: 120 }
    const { messages, discarded } = format(records, { dedup })
    expect(messages.map(({ headers }) => headers.source).filter((source) => source !== 'graph')).toEqual([])
    expect(discarded).toHaveLength(100)
  })

  test('names the copy that is left out, where that is wanted', () => {
    const dedup = { policy: 'prefer-identity', graceMinutes: 120, nameTwin: 'cs6' }
    const { messages, discarded } = format(records, { dedup })
    const named = messages
      .map(({ value }) => parseCef(Buffer.from(value ?? []).toString()).extension)
      .filter((extension) => extension.get('cs6Label') === 'twinId')
      .map((extension) => extension.get('cs6'))
    const left = new Set(keysOf(discarded))
    expect(named.length).toBeGreaterThan(0)
    expect(named.every((id) => left.has(id ?? ''))).toBe(true)
  })
})

test('an agent whose filter drops the cloud-apps copy still gets the identity copy', () => {
  const scenario = createScenario(3, { startMs, pairs: 50, nearMisses: 0, singles: 0, updates: 0, others: 0 })
  const alerts = { filter: { 'entity.service': { neq: [20940] } } }
  const { messages } = format(scenario.map(toBusRecord), { alerts })
  expect(messages.map(({ key }) => key).sort()).toEqual(
    scenario
      .filter(({ api }) => api === 'graph')
      .map(({ id }) => id)
      .sort(),
  )
})

test('the second of two copies names the first with the policy annotate', () => {
  const { messages } = format(
    createScenario(4, { startMs, pairs: 1, nearMisses: 0, singles: 0, updates: 0, others: 0 }).map(toBusRecord),
    {
      dedup: { policy: 'annotate' },
    },
  )
  const [first, second] = messages.map(({ value }) => parseCef(Buffer.from(value ?? []).toString()).extension)
  expect(first?.has('deviceExternalId')).toBe(false)
  expect(second?.get('deviceExternalId')).toBe(messages[0]?.key)
})
