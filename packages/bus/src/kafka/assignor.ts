/** Who of a group works on what: even, and as before wherever that stays even, so that a member that comes or goes moves as few
 *  partitions as possible. Computed by the group's leader. Pure. */
import { ByteReader, ByteWriter } from './wire/bytes.ts'
import type { TopicPartition } from './wire/request.ts'

export const protocolName = 'siem-relay-sticky'

/** What a member tells the leader. The first two fields are those of Kafka's consumer protocol, so that its tools can show them. */
export interface Subscription {
  readonly topics: readonly string[]
  /** What the member works on now. */
  readonly owned: readonly TopicPartition[]
  /** The generation in which it got them: older claims lose to younger ones. */
  readonly generation: number
}

export interface MemberSubscription extends Subscription {
  readonly memberId: string
}

export type Assignments = ReadonlyMap<string, readonly TopicPartition[]>

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/** @param partitionsOf how many partitions each topic has. */
export function assign(members: readonly MemberSubscription[], partitionsOf: ReadonlyMap<string, number>): Assignments {
  const assigned = new Map<string, TopicPartition[]>()
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
  for (const { memberId } of sorted) assigned.set(memberId, [])
  const free = new Map<string, TopicPartition>()
  for (const topic of [...new Set(sorted.flatMap(({ topics }) => topics))].sort())
    for (let partition = 0; partition < (partitionsOf.get(topic) ?? 0); partition++)
      free.set(nameOf({ topic, partition }), { topic, partition })
  const most = Math.ceil(free.size / Math.max(1, sorted.length))
  // How many members may have one more than the others; whoever holds it keeps it.
  let larger = free.size % Math.max(1, sorted.length) || sorted.length
  for (const { memberId, owned, topics } of sorted.toSorted((a, b) => b.generation - a.generation)) {
    const mine = assigned.get(memberId) as TopicPartition[]
    for (const one of owned) {
      const isLast = mine.length === most - 1
      if (mine.length >= most || (isLast && larger === 0)) break
      if (!topics.includes(one.topic) || !free.delete(nameOf(one))) continue
      mine.push(one)
      if (isLast) larger--
    }
  }
  for (const one of free.values()) {
    const takers = sorted
      .filter(({ topics }) => topics.includes(one.topic))
      .map(({ memberId }) => assigned.get(memberId) as TopicPartition[])
    const least = takers.toSorted((a, b) => a.length - b.length)[0]
    least?.push(one)
  }
  return assigned
}

/** ConsumerProtocolSubscription v0, with what is owned as user data. */
export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  const userData = new ByteWriter()
  userData.int32(generation).array(owned, ({ topic, partition }) => userData.string(topic).int32(partition))
  const writer = new ByteWriter()
  writer
    .int16(0)
    .array(topics, (topic) => writer.string(topic))
    .bytes(userData.written)
  return writer.written
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new ByteReader(bytes)
  reader.int16()
  const topics = reader.array(() => reader.string() ?? '')
  const userData = new ByteReader(reader.bytes())
  const generation = userData.int32()
  return {
    topics,
    generation,
    owned: userData.array(() => ({ topic: userData.string() ?? '', partition: userData.int32() })),
  }
}

/** ConsumerProtocolAssignment v0. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  const writer = new ByteWriter()
  writer
    .int16(0)
    .array([...topics], ([topic, ofTopic]) =>
      writer.string(topic).array(ofTopic, (partition) => writer.int32(partition)),
    )
    .bytes(Buffer.alloc(0))
  return writer.written
}

export function decodeAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new ByteReader(bytes)
  reader.int16()
  return reader
    .array(() => {
      const topic = reader.string() ?? ''
      return reader.array(() => ({ topic, partition: reader.int32() }))
    })
    .flat()
}
