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

/**
 * OffsetFetch v7.
 * @param isStable refuses (`UNSTABLE_OFFSET_COMMIT`) while a transaction that moves one of the offsets is not settled, and answers from
 *   everything the coordinator has written (KIP-447); else from what it knows to be replicated, which may be older.
 */
export function offsetFetchRequest(
  group: string,
  partitions: readonly TopicPartition[],
  isStable: boolean,
): KafkaRequest<readonly CommittedOffset[]> {
  return {
    name: 'OffsetFetch',
    apiKey: 9,
    apiVersion: 7,
    write: (writer) =>
      void writer
        // A flexible version: the request header, every structure and the body end with their tagged fields.
        .int8(0)
        .compactString(group)
        .compactArray(byTopic(partitions), ([topic, ofTopic]) =>
          writer
            .compactString(topic)
            .compactArray(ofTopic, ({ partition }) => writer.int32(partition))
            .int8(0),
        )
        .int8(isStable ? 1 : 0)
        .int8(0),
    read: (reader) => {
      reader.skipTags()
      reader.int32()
      const found = reader
        .compactArray(() => {
          const topic = reader.compactString() ?? ''
          const ofTopic = reader.compactArray(() => {
            const partition = reader.int32()
            const next = reader.int64()
            // The leader's epoch and the committer's remark.
            reader.int32()
            reader.compactString()
            const error = reader.int16()
            reader.skipTags()
            return { topic, partition, next: next < 0 ? undefined : next, error }
          })
          reader.skipTags()
          return ofTopic
        })
        .flat()
      check(reader.int16(), `reading the offsets of ${group}`)
      return found.map(({ error, ...offset }) => {
        check(error, `reading the offset of ${group} at ${offset.topic}/${offset.partition}`)
        return offset
      })
    },
  }
}
