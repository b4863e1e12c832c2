/** What a replay would send: the stretches of the log that hold a time, and the records in them. */
import { type Bus, countRecords, type Stretch } from '@siem-relay/bus'
import {
  type AgentDefinition,
  outTopic,
  RelayError,
  type ReplayPlan,
  rawTopicsOf,
  type TopicSpec,
} from '@siem-relay/common'
import type { z } from 'zod'
import type { countReplayRequestSchema } from './control.ts'

/**
 * @param nowMs a time that lies ahead ends now: a replay sends what is there.
 * @throws {RelayError} `RELAY_USAGE` for a time that ends before it begins.
 */
export async function planReplay(
  bus: Bus,
  agent: AgentDefinition,
  tenants: readonly string[],
  request: z.output<typeof countReplayRequestSchema>,
  nowMs: number,
): Promise<ReplayPlan> {
  const { fromMs } = request
  const toMs = Math.min(request.toMs, nowMs)
  if (fromMs >= toMs)
    throw new RelayError(
      'RELAY_USAGE',
      `${timeText(fromMs)} is not before ${timeText(toMs)}: --from has to lie before --to`,
    )
  const topics = topicsOf(agent, tenants, request.source)
  const stretches: Stretch[] = []
  for (const topic of topics)
    for (const { partition } of await bus.positions.bounds([topic])) {
      const from = await bus.positions.offsetAt(topic, partition, fromMs)
      const until = await bus.positions.offsetAt(topic, partition, toMs)
      // A clock that jumped back may have put the later time first.
      if (until > from) stretches.push({ topic: topic.name, partition, from, until })
    }
  return { ...request, toMs, stretches, records: await countRecords(bus, topics, stretches) }
}

/**
 * A plan may come from another process: it has to be about the agent's own topics.
 * @throws {RelayError} `RELAY_USAGE`
 */
export async function checkPlan(
  bus: Bus,
  plan: ReplayPlan,
  agent: AgentDefinition,
  tenants: readonly string[],
): Promise<void> {
  const known = await bus.positions.bounds(topicsOf(agent, tenants, plan.source))
  for (const { topic, partition, from, until } of plan.stretches) {
    const isKnown = known.some((one) => one.topic === topic && one.partition === partition)
    if (!isKnown || from > until)
      throw new RelayError('RELAY_USAGE', `agent ${agent.id} has no ${topic}/${partition} from ${from} until ${until}`)
  }
}

function topicsOf(
  agent: AgentDefinition,
  tenants: readonly string[],
  source: ReplayPlan['source'],
): readonly TopicSpec[] {
  return source === 'out' ? [outTopic(agent.id)] : rawTopicsOf(agent, tenants)
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
