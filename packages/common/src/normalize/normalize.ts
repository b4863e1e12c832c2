/** A record of any source as an event: which shape its body has stands in its envelope, and each shape has its file here. */
import { RelayError } from '../errors.ts'
import type { EventKind, RelayEvent } from '../events.ts'
import { normalizeCloudAppEvent } from './cloud-app-event.ts'
import { normalizeDefenderActivity } from './defender-activity.ts'
import { normalizeDefenderAlert } from './defender-alert.ts'
import { normalizeDiscoveryRow } from './discovery-row.ts'
import { normalizeGraphAlert } from './graph-alert.ts'
import type { Origin } from './origin.ts'
import { normalizeXdrAlert } from './xdr-alert.ts'

/** What a body is: the header `shape` of `raw.*` records. */
export type RecordShape =
  | 'defender-alert'
  | 'defender-activity'
  | 'graph-alert'
  | 'cloud-app-event'
  | 'xdr-alert'
  | 'discovery-row'

type Normalize = (record: unknown, origin: Origin) => RelayEvent

const shapes: Readonly<Record<RecordShape, Normalize>> = {
  'defender-alert': normalizeDefenderAlert,
  'defender-activity': normalizeDefenderActivity,
  'graph-alert': normalizeGraphAlert,
  'cloud-app-event': normalizeCloudAppEvent,
  'xdr-alert': normalizeXdrAlert,
  'discovery-row': normalizeDiscoveryRow,
}

/** Records without a header are Defender for Cloud Apps' own, and rows of its discovery table. */
const byKind: Readonly<Record<EventKind, Normalize>> = {
  alert: normalizeDefenderAlert,
  activity: normalizeDefenderActivity,
  discovery: normalizeDiscoveryRow,
}

export interface NormalizeInput extends Origin {
  /** JSON as the source sent it, UTF-8. */
  readonly body: Buffer
  readonly kind: EventKind
  /** Header `shape`, where the record has it. */
  readonly shape?: string | undefined
}

/**
 * @throws {RelayError} `RELAY_RECORD_INVALID` for what is not JSON, has no id, or has a shape this version does not know.
 */
export function normalize(input: NormalizeInput): RelayEvent {
  const { shape, kind } = input
  const normalizeShape = shape === undefined ? byKind[kind] : shapeOf(shape)
  let record: unknown
  try {
    record = JSON.parse(input.body.toString('utf8'))
  } catch (cause) {
    throw new RelayError('RELAY_RECORD_INVALID', 'the record is not JSON', { cause })
  }
  return normalizeShape(record, input)
}

function shapeOf(shape: string): Normalize {
  if (Object.hasOwn(shapes, shape)) return shapes[shape as RecordShape]
  throw new RelayError(
    'RELAY_RECORD_INVALID',
    `records of the shape ${shape.slice(0, 40)} are not known to this version`,
  )
}
