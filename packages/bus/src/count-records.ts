/** How many records a stretch holds. Offsets may have gaps, so records are counted by reading them. */
import type { TopicSpec } from '@siem-relay/common'
import type { Bus, Stretch } from './port.ts'

/** Records in the stretches; those of topics not named count nothing. */
export async function countRecords(
  bus: Pick<Bus, 'read'>,
  topics: readonly TopicSpec[],
  stretches: readonly Stretch[],
): Promise<number> {
  let count = 0
  for (const { topic: name, partition, from, until } of stretches) {
    const topic = topics.find((one) => one.name === name)
    if (topic === undefined || from >= until) continue
    for await (const { offset } of bus.read(topic, partition, from)) {
      if (offset >= until) break
      count++
    }
  }
  return count
}
