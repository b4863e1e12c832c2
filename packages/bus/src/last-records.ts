/** The newest records of a partition. Offsets may have gaps, so how far back they lie is found by reading. */
import type { TopicSpec } from '@siem-relay/common'
import type { Bus, BusRecord, PartitionBounds } from './port.ts'

/** @returns at most `count` from within the bounds, oldest first. */
export async function lastRecords(
  bus: Pick<Bus, 'read'>,
  topic: TopicSpec,
  { partition, start, end }: PartitionBounds,
  count: number,
): Promise<readonly BusRecord[]> {
  for (let back = count; ; back *= 4) {
    const from = Math.max(start, end - back)
    const found: BusRecord[] = []
    for await (const record of bus.read(topic, partition, from)) {
      if (record.offset >= end) break
      found.push(record)
      if (found.length > count) found.shift()
    }
    if (found.length >= count || from <= start) return found
  }
}
