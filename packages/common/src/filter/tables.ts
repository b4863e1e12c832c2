/** The filter fields of each kind of event. */
import type { EventKind, EventOf, RelayEvent } from '../events.ts'
import type { FieldTable } from './fields.ts'
import { activityFields } from './fields-activity.ts'
import { alertFields } from './fields-alert.ts'
import { discoveryFields } from './fields-discovery.ts'

export const fieldTables: { readonly [K in EventKind]: FieldTable<EventOf<K>> } = {
  alert: alertFields,
  activity: activityFields,
  discovery: discoveryFields,
}

export function isOfKind<K extends EventKind>(event: RelayEvent, kind: K): event is EventOf<K> {
  return event.kind === kind
}
