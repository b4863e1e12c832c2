/** What a worker may be asked to read in part; the same on every bus. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import type { Stretch } from './port.ts'

/**
 * @throws {RelayError} `RELAY_USAGE` for two stretches of one partition, one that ends before it begins, or one of a topic that
 *   is not read.
 */
export function checkStretches(group: string, topics: readonly TopicSpec[], stretches: readonly Stretch[]): void {
  const seen = new Set<string>()
  for (const { topic, partition, from, until } of stretches) {
    const refuse = (why: string): RelayError =>
      new RelayError('RELAY_USAGE', `${group} cannot read ${topic}/${partition} from ${from} until ${until}: ${why}`)
    if (!topics.some(({ name }) => name === topic)) throw refuse('the topic is not one of its own')
    if (!(from >= 0 && until >= from)) throw refuse('it ends before it begins')
    if (seen.has(`${topic}/${partition}`)) throw refuse('it has another stretch of the partition')
    seen.add(`${topic}/${partition}`)
  }
}
