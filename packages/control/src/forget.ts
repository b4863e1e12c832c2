/** Discards what is kept for an agent: its groups' offsets, its messages, its formatter's state. */
import { type Bus, countRecords } from '@siem-relay/bus'
import { formatterGroup, formatterStateTopic, outTopic, senderGroup } from '@siem-relay/common'
import type { Forgotten } from './control.ts'

/** What would go. */
export async function countKept(bus: Bus, agent: string): Promise<Forgotten> {
  const topic = outTopic(agent)
  const positions = await bus.positions.of(senderGroup(agent), [topic])
  const count = (from: (position: (typeof positions)[number]) => number): Promise<number> =>
    countRecords(
      bus,
      [topic],
      positions.map((position) => ({ ...position, from: from(position), until: position.end })),
    )
  return {
    agent,
    stored: await count(({ start }) => start),
    undelivered: await count(({ committed, start }) => Math.max(committed ?? start, start)),
  }
}

/** @throws {RelayError} `RELAY_USAGE` while the agent runs. */
export async function forgetAgent(bus: Bus, agent: string): Promise<Forgotten> {
  const kept = await countKept(bus, agent)
  for (const group of [senderGroup(agent), formatterGroup(agent)]) await bus.positions.forget(group)
  await bus.deleteTopics([outTopic(agent).name, formatterStateTopic(agent).name])
  return kept
}
