/** How far behind an agent is and whether it catches up: its groups' positions, looked at twice. */
import type { Bus, PartitionPosition } from '@siem-relay/bus'
import {
  type AgentDefinition,
  type Clock,
  formatterGroup,
  outTopic,
  rawTopicsOf,
  senderGroup,
  type TopicSpec,
} from '@siem-relay/common'
import type { AgentLag, StageLag } from './control.ts'

interface Look {
  readonly atMs: number
  readonly formatter: readonly PartitionPosition[]
  readonly sender: readonly PartitionPosition[]
}

/** Records between two looks. */
interface Passed {
  readonly in: number
  readonly out: number
  readonly seconds: number
}

export async function measureLag(
  { bus, clock }: { readonly bus: Bus; readonly clock: Clock },
  agents: readonly AgentDefinition[],
  tenants: readonly string[],
  windowMs: number,
): Promise<readonly AgentLag[]> {
  const look = (agent: AgentDefinition): Promise<Look> => lookAt(bus, clock, agent, tenants)
  const before = await Promise.all(agents.map(look))
  if (windowMs > 0) await clock.sleep(windowMs)
  const after = await Promise.all(agents.map(look))
  return Promise.all(
    agents.map((agent, index) =>
      lagOf(bus, agent, tenants, before[index] as Look, after[index] as Look, clock.nowMs()),
    ),
  )
}

/** Nothing new is taken for an agent that retires. */
const inputsOf = (agent: AgentDefinition, tenants: readonly string[]): readonly TopicSpec[] =>
  agent.retire ? [] : rawTopicsOf(agent, tenants)

async function lookAt(bus: Bus, clock: Clock, agent: AgentDefinition, tenants: readonly string[]): Promise<Look> {
  return {
    formatter: await bus.positions.of(formatterGroup(agent.id), inputsOf(agent, tenants)),
    sender: await bus.positions.of(senderGroup(agent.id), [outTopic(agent.id)]),
    atMs: clock.monotonicMs(),
  }
}

async function lagOf(
  bus: Bus,
  agent: AgentDefinition,
  tenants: readonly string[],
  before: Look,
  after: Look,
  nowMs: number,
): Promise<AgentLag> {
  const { id, enabled } = agent
  const seconds = (after.atMs - before.atMs) / 1_000
  const stage = async (topics: readonly TopicSpec[], of: 'formatter' | 'sender'): Promise<StageLag> =>
    stageLag(after[of], await passedBetween(bus, topics, before[of], after[of], seconds), nowMs)
  const [formatter, sender] = await Promise.all([
    stage(inputsOf(agent, tenants), 'formatter'),
    stage([outTopic(id)], 'sender'),
  ])
  const { catchUpSeconds: formatting } = formatter
  const { catchUpSeconds: sending } = sender
  const ages = [formatter.oldestSeconds, sender.oldestSeconds].filter((age) => age !== undefined)
  return {
    agent: id,
    enabled,
    formatter,
    sender,
    oldestSeconds: ages.length === 0 ? undefined : Math.max(...ages),
    catchUpSeconds: formatting === undefined || sending === undefined ? undefined : Math.max(formatting, sending),
  }
}

/** What came in and went out: counted, since offsets may have gaps. A group that was moved back passed nothing. */
async function passedBetween(
  { positions }: Bus,
  topics: readonly TopicSpec[],
  before: readonly PartitionPosition[],
  after: readonly PartitionPosition[],
  seconds: number,
): Promise<Passed> {
  if (seconds <= 0) return { in: 0, out: 0, seconds }
  const counts = await Promise.all(
    after.map(async ({ topic: name, partition, start, end, committed = start }) => {
      const topic = topics.find((one) => one.name === name)
      const then = before.find((one) => one.topic === name && one.partition === partition)
      if (topic === undefined || then === undefined) return [0, 0] as const
      const count = async (from: number, until: number): Promise<number> =>
        until <= Math.max(from, start) ? 0 : positions.count(topic, partition, Math.max(from, start), until)
      return Promise.all([count(then.end, end), count(then.committed ?? then.start, committed)])
    }),
  )
  const sum = (which: 0 | 1): number => counts.reduce((total, count) => total + count[which], 0)
  return { in: sum(0), out: sum(1), seconds }
}

function stageLag(positions: readonly PartitionPosition[], passed: Passed, nowMs: number): StageLag {
  const perSecond = (records: number): number => (passed.seconds <= 0 ? 0 : records / passed.seconds)
  const inPerSecond = perSecond(passed.in)
  const outPerSecond = perSecond(passed.out)
  const pending = positions.reduce((total, { lag }) => total + lag, 0)
  const oldestMs = Math.min(...positions.map(({ oldestPendingMs }) => oldestPendingMs ?? Number.POSITIVE_INFINITY))
  const gain = outPerSecond - inPerSecond
  return {
    pending,
    oldestSeconds: Number.isFinite(oldestMs) ? Math.max(0, nowMs - oldestMs) / 1_000 : undefined,
    inPerSecond,
    outPerSecond,
    catchUpSeconds: pending === 0 ? 0 : gain > 0 ? pending / gain : undefined,
  }
}
