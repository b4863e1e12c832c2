/** The dead letter of records that cannot be read any more. It keeps the stored bytes, for whoever can make sense of them. */
import { deadLettersTopic, letterHeaders } from '@siem-relay/common'
import type { NewRecord } from '../port.ts'
import type { Log } from './catalog.ts'
import type { Core } from './core.ts'
import type { DamageRead } from './reader.ts'

/** Counts and tells the damage; the letter has to commit with the offset that passes it. */
export function reportDamage(core: Core, group: string, log: Log, damage: DamageRead): NewRecord {
  tellDamage(core, group, log, damage)
  return {
    topic: deadLettersTopic.name,
    key: `${log.topicName}/${log.partition}/${damage.first}`,
    value: damage.bytes,
    headers: {
      [letterHeaders.stage]: group,
      [letterHeaders.code]: 'RELAY_LOG_CORRUPT',
      [letterHeaders.reason]: damage.reason,
      [letterHeaders.topic]: log.topicName,
      [letterHeaders.partition]: String(log.partition),
      [letterHeaders.offset]: damage.next - damage.first > 1 ? `${damage.first}-${damage.next - 1}` : `${damage.first}`,
    },
  }
}

/** For readers that commit nothing. */
export function tellDamage(core: Core, group: string | undefined, log: Log, { first, next, reason }: DamageRead): void {
  core.stats.corruptBatches++
  core.emit({ kind: 'corruption-found', topic: log.topicName, partition: log.partition, first, next, group, reason })
}
