/** Which partitions a worker reads, and how far: all of its topics, or its stretches of them. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import type { Stretch } from '../port.ts'
import type { Catalog, Log } from './catalog.ts'

export interface StretchedLog {
  readonly log: Log
  readonly stretch: Stretch | undefined
}

/**
 * The partitions to read, those of empty stretches included.
 * @throws {RelayError} `RELAY_USAGE` for two stretches of one partition, one that ends before it begins, or one of a topic that
 *   is not read.
 */
export function logsOf(
  catalog: Catalog,
  spec: {
    readonly group: string
    readonly topics: readonly TopicSpec[]
    readonly stretches: readonly Stretch[] | undefined
  },
): readonly StretchedLog[] {
  const { group, topics, stretches } = spec
  if (stretches === undefined)
    return topics.flatMap(({ name }) => catalog.topic(name).logs.map((log) => ({ log, stretch: undefined })))
  const seen = new Set<Log>()
  return stretches.map((stretch) => {
    const { topic, partition, from, until } = stretch
    const refuse = (why: string): RelayError =>
      new RelayError('RELAY_USAGE', `${group} cannot read ${topic}/${partition} from ${from} until ${until}: ${why}`)
    if (!topics.some(({ name }) => name === topic)) throw refuse('the topic is not one of its own')
    if (!(from >= 0 && until >= from)) throw refuse('it ends before it begins')
    const log = catalog.log(topic, partition)
    if (seen.has(log)) throw refuse('it has another stretch of the partition')
    seen.add(log)
    return { log, stretch }
  })
}

/** Whether a group that reads on at `next` has its stretch behind it. */
export function isPassed(stretch: Stretch | undefined, next: number): boolean {
  return stretch !== undefined && next >= stretch.until
}
