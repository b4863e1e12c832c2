/** kill -9 of the relay while it collects labelled attacks from both APIs, with an agent for every policy: each attack leaves, no two
 *  are taken for one, and what left is what the raw log gives when it is formatted anew with a fresh memory. */
import { join } from 'node:path'
import type { Bus, BusRecord, NewRecord } from '@siem-relay/bus'
import { agentSchema, discardedTopic, letterHeaders, outTopic, rawTopic, type TopicSpec } from '@siem-relay/common'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { createScenario, type ScenarioRecord, type Simulator, startSimulator } from '@siem-relay/simulator'
import { openPartition } from '../../services/formatter/src/partition.ts'
import { startRelayProcess } from '../support/process.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { embeddedLog, idOf } from './ledger.ts'
import type { Report } from './report.ts'

const policies = ['first', 'prefer-identity', 'prefer-cloud-apps', 'annotate', 'off'] as const
type Policy = (typeof policies)[number]

const aliveMsMax = 1_500
/** About as long as all the deaths together take: some alerts leave before their twin has come, and have to do so anew. */
const graceMinutesOf = (rounds: number): number => 0.1 + rounds / 30
const dayMs = 86_400_000

interface Outcome {
  readonly missingAttacks: number
  readonly falseMerges: number
  readonly missedTwins: number
  readonly pairs: number
  /** Whether the same records left and stayed as from the raw log with a fresh memory. */
  readonly isSameAnew: boolean
}

export async function killTwins(rounds: number, seed: number): Promise<Report> {
  using directory = temporaryDirectory()
  const scenario = createScenario(seed, { startMs: Date.now() - 4 * dayMs, updates: 0 })
  await using simulator = await startScenario(scenario)
  await using receiver = await tcpReceiver('octet-counting')
  const graceMinutes = graceMinutesOf(rounds)
  const config = configOf(simulator, receiver.port, graceMinutes)
  const random = seededRandom(seed)
  for (let round = 0; round < rounds; round++) {
    const relay = await startRelayProcess(directory.path, config)
    await new Promise((resolve) => setTimeout(resolve, random() * aliveMsMax))
    await relay.kill('SIGKILL')
  }
  const relay = await startRelayProcess(directory.path, config)
  const read = new Progress(scenario)
  await receiver.until((messages) => read.isDone(messages))
  const code = await relay.kill('SIGTERM')

  await using bus = await embeddedLog(join(directory.path, 'log'))()
  const raw = await recordsOf(bus, rawTopic('contoso', 'alerts'))
  const discarded = await recordsOf(bus, discardedTopic)
  const outcomes = new Map<Policy, Outcome>()
  for (const policy of policies)
    outcomes.set(
      policy,
      await judge(policy, { scenario, raw, discarded, graceMinutes, out: await recordsOf(bus, outTopic(policy)) }),
    )
  const all = [...outcomes.values()]
  const sum = (count: (outcome: Outcome) => number): number => all.reduce((total, outcome) => total + count(outcome), 0)
  const deciding = [...outcomes].filter(([policy]) => policy !== 'annotate' && policy !== 'off')
  return {
    name: `kill -9 of the relay while it tells twins apart, ${rounds} rounds at random points, five policies`,
    extra: {
      alerts: scenario.length,
      rawRecords: raw.length,
      missingAttacks: sum(({ missingAttacks }) => missingAttacks),
      falseMerges: sum(({ falseMerges }) => falseMerges),
      missedTwins: deciding.map(([policy, { missedTwins, pairs }]) => `${policy} ${missedTwins} of ${pairs}`).join(' '),
      sameAnew: all.every(({ isSameAnew }) => isSameAnew),
      exitCodeAtTheEnd: code,
    },
    passed:
      raw.length === scenario.length &&
      sum(({ missingAttacks, falseMerges }) => missingAttacks + falseMerges) === 0 &&
      deciding.every(([, { missedTwins, pairs }]) => missedTwins / pairs <= 0.01) &&
      all.every(({ isSameAnew }) => isSameAnew) &&
      code === 0,
  }
}

/** What the receiver has read, message by message: some come twice after a kill. */
class Progress {
  readonly #attackOf: ReadonlyMap<string, number>
  readonly #attacks: number
  readonly #left = new Map<string, Set<number>>(policies.map((policy) => [policy, new Set()]))
  readonly #ids = new Set<string>()
  #checked = 0

  constructor(scenario: readonly ScenarioRecord[]) {
    this.#attackOf = attackById(scenario)
    this.#attacks = attacksOf(scenario).size
  }

  /** Every attack left by every agent, and every alert by the agent that leaves nothing out. */
  isDone(messages: readonly string[]): boolean {
    for (; this.#checked < messages.length; this.#checked++) {
      const message = messages[this.#checked] ?? ''
      const policy = /\|SIEM_Agent\|([^|]+)\|/.exec(message)?.[1] ?? ''
      const id = idOf(message)
      if (policy === 'off') this.#ids.add(id)
      const attack = this.#attackOf.get(id)
      if (attack !== undefined) this.#left.get(policy)?.add(attack)
    }
    return this.#ids.size >= this.#attackOf.size && [...this.#left.values()].every(({ size }) => size === this.#attacks)
  }
}

const oauth = { tenantId: 'contoso.example', clientId: 'relay', clientSecret: 'fault run' }

async function startScenario(scenario: readonly ScenarioRecord[]): Promise<Simulator> {
  const simulator = await startSimulator({
    oauth,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    pageLimitMax: 20,
    graphAlerts: { pageMax: 20 },
  })
  for (const { api, id, body } of scenario)
    if (api === 'graph') simulator.store.addGraphAlert({ ...body, id })
    else simulator.store.addAlert({ ...body, _id: id, timestamp: Number(body.timestamp) })
  return simulator
}

function configOf({ url, tokenUrl }: Simulator, port: number, graceMinutes: number): object {
  const shared = {
    tenant: 'contoso',
    url,
    auth: { type: 'oauth', ...oauth, tokenUrl },
    requestsPerMinute: 100_000,
    pollSeconds: 1,
    lookback: 'P10D',
  }
  return {
    sources: [
      { ...shared, id: 'contoso-mda', type: 'defender-for-cloud-apps', collect: { activities: false } },
      { ...shared, id: 'contoso-identity', type: 'graph-alerts' },
    ],
    agents: policies.map((policy) => ({
      ...agentOf(policy, graceMinutes),
      syslog: { host: '127.0.0.1', port, framing: 'octet-counting' },
    })),
  }
}

function agentOf(policy: Policy, graceMinutes: number) {
  return {
    id: policy,
    device: { version: policy },
    dedup: { policy, graceMinutes },
  }
}

const attackById = (scenario: readonly ScenarioRecord[]): ReadonlyMap<string, number> =>
  new Map(scenario.map(({ id, attack }) => [id, attack]))
const attacksOf = (scenario: readonly ScenarioRecord[]): ReadonlySet<number> =>
  new Set(scenario.map(({ attack }) => attack))

interface Evidence {
  readonly scenario: readonly ScenarioRecord[]
  readonly raw: readonly BusRecord[]
  readonly discarded: readonly BusRecord[]
  readonly out: readonly BusRecord[]
  readonly graceMinutes: number
}

async function judge(policy: Policy, { scenario, raw, discarded, out, graceMinutes }: Evidence): Promise<Outcome> {
  const attackOf = attackById(scenario)
  const mine = discarded.filter(({ headers }) => headers[letterHeaders.agent] === policy)
  const merges = mine.map(({ key, value }) => ({
    key,
    kept: (JSON.parse(value.toString()) as { kept: { id: string } }).kept.id,
  }))
  const left = new Set(out.map(({ key }) => attackOf.get(key)))
  const pairs = scenario.filter(({ isTwin, api }) => isTwin && api === 'defender')
  const merged = new Set(merges.map(({ key }) => attackOf.get(key)))
  const anew = formatAnew(policy, graceMinutes, raw)
  return {
    missingAttacks: [...attacksOf(scenario)].filter((attack) => !left.has(attack)).length,
    falseMerges: merges.filter(({ key, kept }) => attackOf.get(key) !== attackOf.get(kept)).length,
    missedTwins: pairs.filter(({ attack }) => !merged.has(attack)).length,
    pairs: pairs.length,
    isSameAnew: isSame(anew.out, out) && isSame(anew.discarded, mine),
  }
}

/** The raw log through a partition that remembers nothing, as a replay would. */
function formatAnew(
  policy: Policy,
  graceMinutes: number,
  raw: readonly BusRecord[],
): {
  readonly out: readonly NewRecord[]
  readonly discarded: readonly NewRecord[]
} {
  const stage = openPartition(
    { topic: rawTopic('contoso', 'alerts').name, partition: 0, state: new Map() },
    {
      agent: agentSchema.parse({ ...agentOf(policy, graceMinutes), console: true }),
      defaultVersion: '',
      bytesMax: 65_000,
      nowMs: () => Date.now(),
      count: () => undefined,
    },
  )
  const records = [...stage.process(raw).records]
  if (stage.dueMs?.() !== undefined) records.push(...(stage.idle?.(Number.POSITIVE_INFINITY).records ?? []))
  return {
    out: records.filter(({ topic }) => topic === outTopic(policy).name),
    discarded: records.filter(({ topic }) => topic === discardedTopic.name),
  }
}

function isSame(left: readonly { readonly key: string }[], right: readonly { readonly key: string }[]): boolean {
  const keys = (records: readonly { readonly key: string }[]): string =>
    JSON.stringify(records.map(({ key }) => key).sort())
  return keys(left) === keys(right)
}

async function recordsOf(bus: Bus, topic: TopicSpec): Promise<readonly BusRecord[]> {
  await bus.ensureTopics([topic])
  const records: BusRecord[] = []
  for (let partition = 0; partition < topic.partitions; partition++)
    for await (const record of bus.read(topic, partition, 0)) records.push(record)
  return records
}
