/** What a request is to whoever sends it: a key, a version, bytes out and an answer back. */
import type { ByteReader, ByteWriter } from './bytes.ts'

export interface KafkaRequest<Answer> {
  readonly name: string
  readonly apiKey: number
  readonly apiVersion: number
  /** How long the broker may take on purpose: long polls and joins, in milliseconds. */
  readonly waitMs?: number
  write(writer: ByteWriter): void
  /** @throws {KafkaError} for an error code that concerns the whole request. */
  read(reader: ByteReader): Answer
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Partitions by topic, as nearly every request wants them. */
export function byTopic<T extends TopicPartition>(items: readonly T[]): readonly (readonly [string, readonly T[]])[] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const known = topics.get(item.topic)
    if (known === undefined) topics.set(item.topic, [item])
    else known.push(item)
  }
  return [...topics]
}
