/** What the log tells while it runs, for the operator: a line each, and a metric where it is counted. */
import { formatterGroup, senderGroup } from '@siem-relay/common'
import { counter, gauge, type World } from '@siem-relay/service-kit'
import type { BusEvent } from './open-bus.ts'

const texts: Readonly<Record<BusEvent['kind'], string>> = {
  'intake-closed': 'disk is nearly full; sources are not polled until space is free',
  'intake-opened': 'disk space is free again; sources are polled',
  'corruption-found': 'the log holds damaged records; they are kept in dead-letters',
  'value-corrupt': 'the log holds a damaged value; it was set aside',
  'retention-removed': 'old delivered records were removed',
  'records-expired': 'records expired before a group had read them',
  'retention-failed': 'old records could not be removed; tried again later',
  'partitions-assigned': 'partitions were assigned',
  'partitions-released': 'partitions were given back',
  fenced: 'another instance took a partition over; its work goes on there',
  'cluster-unreachable': 'Kafka cannot be reached; waiting for it',
  'cluster-reached': 'Kafka was reached',
}

const infos = new Set<BusEvent['kind']>([
  'retention-removed',
  'intake-opened',
  'partitions-assigned',
  'partitions-released',
  'cluster-reached',
])

/** The listener for the log's events. */
export function busEvents(log: World['log'], metrics: World['metrics']): (event: BusEvent) => void {
  const assigned = gauge(metrics, {
    name: 'siem_relay_partitions_assigned',
    help: 'Partitions this instance works on, by agent and stage; on Kafka.',
    labels: ['agent', 'stage'],
  })
  const fenced = counter(metrics, {
    name: 'siem_relay_partitions_fenced_total',
    help: 'Times another instance took a partition over while this one worked on it; on Kafka.',
  })
  return (event) => {
    const { kind, ...fields } = event
    if (kind === 'partitions-assigned') {
      const place = placeOf(event.group)
      if (place !== undefined) assigned.set(place, event.partitions)
    }
    // Of agents that are deleted nothing stays behind.
    if (kind === 'partitions-released') {
      const place = placeOf(event.group)
      if (place !== undefined) assigned.remove(place)
    }
    if (kind === 'fenced') fenced.inc()
    if (infos.has(kind)) log.info(fields, texts[kind])
    else if (kind === 'fenced' || kind === 'cluster-unreachable') log.warn(errorless(fields), texts[kind])
    else log.error(errorless(fields), texts[kind])
  }
}

/** pino shows an error whole under `err`. */
function errorless(fields: object): object {
  if (!('error' in fields)) return fields
  const { error, ...rest } = fields
  return { ...rest, err: error }
}

/** `formatter.<agent>` and `sender.<agent>`; replays and shares come and go and have no gauge. */
function placeOf(group: string): { agent: string; stage: string } | undefined {
  const formatter = formatterGroup('')
  const sender = senderGroup('')
  if (group.startsWith(formatter)) return { agent: group.slice(formatter.length), stage: 'formatter' }
  if (group.startsWith(sender)) return { agent: group.slice(sender.length), stage: 'sender' }
  return undefined
}
