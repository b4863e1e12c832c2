/** The specification's twelve sample lines, word for word, each beside the record it was made of.
 *  Whoever turns records into CEF can be held to these pairs. */

import { readFileSync } from 'node:fs'
import type { ActivityRecord, AlertRecord } from './records.ts'
import { sampleActivities } from './sample-activities.ts'
import { sampleAlerts } from './sample-alerts.ts'

/** A line, its record, and what the line shows that is configuration and not in the record. */
export type SampleLine = {
  readonly line: string
  /** Position of the record in its list of `sampleRecords()`. */
  readonly index: number
  /** The CEF device version. */
  readonly deviceVersion: string
  /** The host name in the line's header, where there is one. */
  readonly systemName?: string
  /** Where links to activities lead; an alert brings its own link. */
  readonly portalUrl: string
} & (
  | { readonly kind: 'activities'; readonly record: ActivityRecord }
  | { readonly kind: 'alerts'; readonly record: AlertRecord }
)

export function sampleRecords(): { activities: ActivityRecord[]; alerts: AlertRecord[] } {
  return { activities: sampleActivities(), alerts: sampleAlerts() }
}

/** Versions and names in the headers of the lines, in their order. */
const headers: readonly { readonly deviceVersion: string; readonly systemName?: string }[] = [
  { deviceVersion: '0.111.85' },
  { deviceVersion: '0.112.68' },
  { deviceVersion: '0.112.68' },
  { deviceVersion: '0.112.49' },
  { deviceVersion: '0.112.49' },
  { deviceVersion: '0.112.68', systemName: 'LAB-EUW-ARCTEST' },
  ...Array.from({ length: 6 }, () => ({ deviceVersion: '0.102.17' })),
]

/** @returns the six activity lines, then the six alert lines, without line ends. */
export function sampleLines(): SampleLine[] {
  const { activities, alerts } = sampleRecords()
  const records = [
    ...activities.map((record, index) => ({ kind: 'activities' as const, record, index })),
    ...alerts.map((record, index) => ({ kind: 'alerts' as const, record, index })),
  ]
  const portalOf = {
    activities: 'https://contoso.portal.cloudappsecurity.com',
    alerts: 'https://cloud-app-security.com',
  }
  const lines = readFileSync(new URL('./fixtures/sample-lines.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  return records.map((each, position) => {
    const line = lines[position]
    const header = headers[position]
    if (line === undefined || header === undefined) {
      throw new Error(
        `fixtures/sample-lines.txt has ${lines.length} lines for ${records.length} records: restore it from the specification`,
      )
    }
    return { line, ...header, portalUrl: portalOf[each.kind], ...each }
  })
}
