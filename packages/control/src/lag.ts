/** How far behind an agent is and whether it catches up: its groups' positions, looked at twice. */
import type { Bus, PartitionPosition } from '@siem-relay/bus'
import {
  type AgentDefinition,
  type Clock,
  formatterGroup,
  outTopic,
  rawTopicsOf,
  senderGroup,
} from '@siem-relay/common'
import type { AgentLag, StageLag } from './control.ts'

interface Look {
  readonly atMs: number
  readonly formatter: readonly PartitionPosition[]
  readonly sender: readonly PartitionPosition[]
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
  return agents.map((agent, index) => lagOf(agent, before[index] as Look, after[index] as Look, clock.nowMs()))
}

async function lookAt(bus: Bus, clock: Clock, agent: AgentDefinition, tenants: readonly string[]): Promise<Look> {
  return {
    // Nothing new is taken for an agent that retires.
    formatter: await bus.positions.of(formatterGroup(agent.id), agent.retire ? [] : rawTopicsOf(agent, tenants)),
    sender: await bus.positions.of(senderGroup(agent.id), [outTopic(agent.id)]),
    atMs: clock.monotonicMs(),
  }
}

function lagOf({ id, enabled }: AgentDefinition, before: Look, after: Look, nowMs: number): AgentLag {
  const seconds = (after.atMs - before.atMs) / 1_000
  const formatter = stageLag(before.formatter, after.formatter, seconds, nowMs)
  const sender = stageLag(before.sender, after.sender, seconds, nowMs)
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

/** Pure: exported for its tests. */
export function stageLag(
  before: readonly PartitionPosition[],
  after: readonly PartitionPosition[],
  seconds: number,
  nowMs: number,
): StageLag {
  const perSecond = (of: (position: PartitionPosition) => number): number =>
    seconds <= 0 ? 0 : Math.max(0, (sum(after, of) - sum(before, of)) / seconds)
  const inPerSecond = perSecond(({ end }) => end)
  const outPerSecond = perSecond(({ committed, start }) => Math.max(committed ?? start, start))
  const pending = sum(after, ({ lag }) => lag)
  const oldestMs = Math.min(...after.map(({ oldestPendingMs }) => oldestPendingMs ?? Number.POSITIVE_INFINITY))
  const gain = outPerSecond - inPerSecond
  return {
    pending,
    oldestSeconds: Number.isFinite(oldestMs) ? Math.max(0, nowMs - oldestMs) / 1_000 : undefined,
    inPerSecond,
    outPerSecond,
    catchUpSeconds: pending === 0 ? 0 : gain > 0 ? pending / gain : undefined,
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
