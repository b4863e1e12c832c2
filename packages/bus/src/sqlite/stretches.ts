/** Which partitions a worker reads, and how far: all of its topics, or its stretches of them. */
import type { TopicSpec } from '@siem-relay/common'
import { checkStretches } from '../check-stretches.ts'
import type { Stretch } from '../port.ts'
import type { Catalog, Log } from './catalog.ts'

export interface StretchedLog {
  readonly log: Log
  readonly stretch: Stretch | undefined
}

/**
 * The partitions to read, those of empty stretches included.
 * @throws {RelayError} `RELAY_USAGE` for stretches that contradict each other or the topics.
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
  checkStretches(group, topics, stretches)
  return stretches.map((stretch) => ({ log: catalog.log(stretch.topic, stretch.partition), stretch }))
}

/** Whether a group that reads on at `next` has its stretch behind it. */
export function isPassed(stretch: Stretch | undefined, next: number): boolean {
  return stretch !== undefined && next >= stretch.until
}
