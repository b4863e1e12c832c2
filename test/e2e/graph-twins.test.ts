/** One alert, once, from both APIs to the messages of an agent: attacks as both products report them, in a time that only the test
 *  moves, on the embedded log, whose workers die now and then and are opened anew. */
import type { BusRecord } from '@siem-relay/bus'
import {
  agentSchema,
  type Clock,
  discardedTopic,
  formatterGroup,
  outTopic,
  rawHeaders,
  rawTopic,
  type TopicSpec,
} from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { createScenario, type ScenarioRecord } from '@siem-relay/simulator'
import { describe, expect, test, vi } from 'vitest'
import { Harness, oauth, startMs } from '../../services/collector/src/testing/harness.ts'
import { start as startFormatter } from '../../services/formatter/src/start.ts'

const minuteMs = 60_000
const stepMs = 10 * minuteMs

/** Collector and formatter between the simulator and one agent. */
async function openRelay() {
  let harness: Harness | undefined
  // Records are stamped with the time of the test; waiting for the disk is as it always is.
  const clock: Clock = {
    nowMs: () => harness?.clock.nowMs() ?? startMs,
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    after: (ms, callback) => systemClock.after(ms, callback),
  }
  const opened = await Harness.open({
    bus: { clock },
    simulator: { requestsPerMinute: Number.POSITIVE_INFINITY, pageLimitMax: 20, graphAlerts: { pageMax: 20 } },
  })
  harness = opened
  const defender = { tenant: 'contoso', id: 'contoso-mda', collect: { activities: false } }
  const graph = {
    tenant: 'contoso',
    id: 'contoso-identity',
    type: 'graph-alerts',
    auth: { type: 'oauth', ...oauth, tokenUrl: opened.simulator.tokenUrl },
  }
  const shared = { pollSeconds: 120, alertUpdates: 'all' }
  const sources = [
    { ...defender, ...shared },
    { ...graph, ...shared },
  ].flatMap((source) => opened.config(source).sources)
  const agent = agentSchema.parse({
    id: 'siem',
    console: true,
    dedup: { policy: 'prefer-identity', graceMinutes: 120 },
  })
  const formatters = { agents: [agent], tenants: ['contoso'], version: '1.0' }
  let formatter = await startFormatter(formatters, opened.world)
  await opened.start({ sources })

  return {
    harness: opened,

    /** The log is torn away from everybody at once, wherever they are, and everybody begins anew. */
    async kill(turns: number): Promise<void> {
      for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
      await opened.bus[Symbol.asyncDispose]()
      await formatter.stop(0)
      await opened.restart({ sources })
      formatter = await startFormatter(formatters, opened.world)
    },

    async read(topic: TopicSpec): Promise<readonly BusRecord[]> {
      const records: BusRecord[] = []
      for (let partition = 0; partition < topic.partitions; partition++)
        for await (const record of opened.bus.read(topic, partition, 0)) records.push(record)
      return records
    },

    /** The formatter has taken everything that was collected. */
    async drained(): Promise<void> {
      await vi.waitFor(
        async () => {
          const positions = await opened.bus.positions.of(formatterGroup('siem'), [rawTopic('contoso', 'alerts')])
          expect(positions.map(({ lag }) => lag)).toEqual([0])
        },
        { timeout: 20_000 },
      )
    },

    async [Symbol.asyncDispose](): Promise<void> {
      await formatter.stop(0)
      await opened[Symbol.asyncDispose]()
    },
  }
}

function publish({ simulator }: Harness, { api, id, body }: ScenarioRecord): void {
  if (api === 'graph') simulator.store.addGraphAlert({ ...body, id })
  else simulator.store.addAlert({ ...body, _id: id, timestamp: Number(body.timestamp) })
}

const nameOf = ({ key, headers }: BusRecord): string => `${key} ${headers[rawHeaders.version] ?? ''}`

describe.each([1, 2])('attacks reported through both APIs, seed %i', (seed) => {
  test('leave once each, in the copy of Defender for Identity, though workers die at any point', {
    timeout: 120_000,
  }, async () => {
    const scenario = createScenario(seed, { startMs, pairs: 60, nearMisses: 24, singles: 30, updates: 12, others: 10 })
    await using relay = await openRelay()
    const { harness } = relay
    const random = seededRandom(seed)
    let deaths = 0
    let next = 0
    while (next < scenario.length) {
      const nowMs = harness.clock.nowMs()
      for (let record = scenario[next]; record !== undefined && record.publishedMs <= nowMs; record = scenario[next]) {
        publish(harness, record)
        next += 1
      }
      if (random() < 0.25) {
        await harness.clock.advance(stepMs)
        await relay.kill(Math.floor(random() * 40))
        deaths += 1
      } else await harness.pass(stepMs, stepMs)
    }
    // Whatever waits for its twin goes when something later comes.
    await harness.pass(150 * minuteMs, stepMs)
    const [last] = createScenario(99, {
      startMs: harness.clock.nowMs(),
      pairs: 0,
      nearMisses: 0,
      singles: 0,
      updates: 0,
      others: 1,
    })
    publish(harness, last as ScenarioRecord)
    await harness.pass(20 * minuteMs, stepMs)
    await relay.drained()

    expect(deaths).toBeGreaterThan(5)
    const raw = await relay.read(rawTopic('contoso', 'alerts'))
    // An alert of Defender for Cloud Apps has a version too; those of the scenario have one state each.
    expect(new Set(raw.map(nameOf)).size).toBe(raw.length)
    const versions = scenario.map(({ id, version }) => (version === undefined ? id : `${id} ${version}`))
    const taken = new Set(raw.flatMap((record) => [record.key, nameOf(record)]))
    expect(versions.filter((version) => !taken.has(version))).toEqual([])

    const out = await relay.read(outTopic('siem'))
    const discarded = await relay.read(discardedTopic)
    const byId = new Map(scenario.map((record) => [record.id, record]))
    const attackOf = (id: string): number | undefined => byId.get(id)?.attack
    const sent = out.filter(({ key }) => key !== last?.id)
    // No attack is missing, and none is hidden by another.
    expect(new Set(sent.map(({ key }) => attackOf(key)))).toEqual(new Set(scenario.map(({ attack }) => attack)))
    for (const { key, value } of discarded) {
      const evidence = JSON.parse(value.toString()) as { kept: { id: string; product: string } }
      expect([attackOf(evidence.kept.id), evidence.kept.product]).toEqual([attackOf(key), 'identity'])
    }
    // Every update leaves beside its alert, and nothing else comes twice.
    const updates = scenario.filter(({ isUpdate }) => isUpdate)
    expect(sent.length + discarded.length).toBe(scenario.length)
    expect(sent.filter(({ key }) => updates.some(({ id }) => id === key))).toHaveLength(2 * updates.length)
    const pairs = scenario.filter(({ isTwin, isUpdate, api }) => isTwin && !isUpdate && api === 'defender')
    const missed = pairs.filter(({ id }) => !discarded.some(({ key }) => key === id))
    expect(missed.length / pairs.length).toBeLessThanOrEqual(0.01)
  })
})
