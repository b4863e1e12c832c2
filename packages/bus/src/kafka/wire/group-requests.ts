/** Groups: who is a member, who works on what, how far a group has come. */
import { check, KafkaError, kafkaErrors } from './error-codes.ts'
import { byTopic, type KafkaRequest, type TopicPartition } from './request.ts'

const protocolType = 'consumer'

export interface JoinSettings {
  readonly group: string
  readonly memberId: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocol: string
  /** The member's metadata for the leader's assignor. */
  readonly metadata: Buffer
}

export interface Joined {
  readonly generation: number
  readonly leaderId: string
  readonly memberId: string
  /** Of all members, for the leader; else empty. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

/** JoinGroup v4. @throws {MemberIdRequired} at the first try: join again with the id it names. */
export function joinGroupRequest(settings: JoinSettings): KafkaRequest<Joined> {
  const { group, memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocol, metadata } = settings
  return {
    name: 'JoinGroup',
    apiKey: 11,
    apiVersion: 4,
    waitMs: rebalanceTimeoutMs,
    write: (writer) =>
      void writer
        .string(group)
        .int32(sessionTimeoutMs)
        .int32(rebalanceTimeoutMs)
        .string(memberId)
        .string(protocolType)
        .array([protocol], (name) => writer.string(name).bytes(metadata)),
    read: (reader) => {
      reader.int32()
      const error = reader.int16()
      const generation = reader.int32()
      reader.string()
      const leaderId = reader.string() ?? ''
      const joinedAs = reader.string() ?? ''
      const members = reader.array(() => ({ memberId: reader.string() ?? '', metadata: reader.bytes() }))
      if (error === kafkaErrors.memberIdRequired) throw new MemberIdRequired(group, joinedAs)
      check(error, `joining ${group}`)
      return { generation, leaderId, memberId: joinedAs, members }
    },
  }
}

export class MemberIdRequired extends KafkaError {
  readonly memberId: string

  constructor(group: string, memberId: string) {
    super(kafkaErrors.memberIdRequired, `joining ${group}`)
    this.memberId = memberId
  }
}

export interface Member {
  readonly group: string
  readonly generation: number
  readonly memberId: string
}

/** SyncGroup v1: the leader brings everyone's assignment, each member gets its own. */
export function syncGroupRequest(
  { group, generation, memberId }: Member,
  assignments: ReadonlyMap<string, Buffer>,
  waitMs: number,
): KafkaRequest<Buffer> {
  return {
    name: 'SyncGroup',
    apiKey: 14,
    apiVersion: 1,
    waitMs,
    write: (writer) =>
      void writer
        .string(group)
        .int32(generation)
        .string(memberId)
        .array([...assignments], ([member, assignment]) => writer.string(member).bytes(assignment)),
    read: (reader) => {
      reader.int32()
      check(reader.int16(), `getting the assignment of ${group}`)
      return reader.bytes()
    },
  }
}

/** Heartbeat v1. */
export function heartbeatRequest({ group, generation, memberId }: Member): KafkaRequest<void> {
  return {
    name: 'Heartbeat',
    apiKey: 12,
    apiVersion: 1,
    write: (writer) => void writer.string(group).int32(generation).string(memberId),
    read: (reader) => {
      reader.int32()
      check(reader.int16(), `staying in ${group}`)
    },
  }
}

/** LeaveGroup v1. */
export function leaveGroupRequest({ group, memberId }: Member): KafkaRequest<void> {
  return {
    name: 'LeaveGroup',
    apiKey: 13,
    apiVersion: 1,
    write: (writer) => void writer.string(group).string(memberId),
    read: (reader) => {
      reader.int32()
      check(reader.int16(), `leaving ${group}`)
    },
  }
}

export interface CommittedOffset extends TopicPartition {
  /** Undefined: the group never committed there. */
  readonly next: number | undefined
}

/** OffsetFetch v3. */
export function offsetFetchRequest(
  group: string,
  partitions: readonly TopicPartition[],
): KafkaRequest<readonly CommittedOffset[]> {
  return {
    name: 'OffsetFetch',
    apiKey: 9,
    apiVersion: 3,
    write: (writer) =>
      void writer
        .string(group)
        .array(byTopic(partitions), ([topic, ofTopic]) =>
          writer.string(topic).array(ofTopic, ({ partition }) => writer.int32(partition)),
        ),
    read: (reader) => {
      reader.int32()
      const offsets = reader
        .array(() => {
          const topic = reader.string() ?? ''
          return reader.array(() => {
            const partition = reader.int32()
            const next = reader.int64()
            reader.string()
            check(reader.int16(), `reading the offset of ${group} at ${topic}/${partition}`)
            return { topic, partition, next: next < 0 ? undefined : next }
          })
        })
        .flat()
      check(reader.int16(), `reading the offsets of ${group}`)
      return offsets
    },
  }
}
