/** CEF for Cloud Discovery. The SIEM agent never sent these rows, so the fields are ours: each column of Microsoft's table but the two
 *  static ones stands in one field, by CEF's meaning where it has one. `in` and `out` are seen from the app, as CEF defines them:
 *  what is uploaded flows in. Source: ArcSight "Implementing CEF", CEF key names. */
import type { DiscoveryRecord } from '../events.ts'
import { clientAddress } from '../ip.ts'
import { strictFields } from './arcsight.ts'
import { cefField, timeText } from './message.ts'
import type { CefExtension } from './profile.ts'

export const discoverySignature = 'McasShadowItReporting'
export const discoveryName = 'Discovery log'

const fields = [
  cefField('externalId'),
  cefField('rt'),
  cefField('suser'),
  cefField('destinationServiceName'),
  cefField('src'),
  cefField('in'),
  cefField('out'),
  cefField('cn1', 'totalEvents'),
  cefField('cn2', 'blockedEvents'),
  cefField('cn3', 'appScore'),
  cefField('cs1', 'streamName'),
  cefField('cs2', 'uniqueServiceAppIds'),
  cefField('cs3', 'appTags'),
  cefField('cs4', 'appCategory'),
  cefField('cs5', 'enrichedUserName'),
  cefField('c6a2', 'Source IPv6 Address'),
  cefField('flexNumber1', 'totalBytes'),
  cefField('flexNumber2', 'appId'),
  cefField('flexString1', 'workspaceId'),
]

/**
 * @param appName name of an app id, as in `uniqueServiceAppIds` of other lines.
 * @param isStrict without fields that have no value, each within CEF's length.
 */
export function discoveryExtension(
  { id, timestampMs, row }: DiscoveryRecord,
  appName: string,
  isStrict: boolean,
): CefExtension {
  const { v4, v6 } = clientAddress(row.IpAddress ?? '')
  const values = [
    id,
    timeText(timestampMs),
    row.UserName ?? '',
    row.AppName ?? '',
    v4,
    numberText(row.UploadedBytes),
    numberText(row.DownloadedBytes),
    numberText(row.TotalEvents),
    numberText(row.BlockedEvents),
    numberText(row.AppScore),
    row.StreamName ?? '',
    appName,
    (row.AppTags ?? []).join(','),
    row.AppCategory ?? '',
    row.EnrichedUserName ?? '',
    v6,
    numberText(row.TotalBytes),
    numberText(row.AppId),
    row.TenantId ?? '',
  ]
  if (!isStrict) return { fields, values }
  const strict = strictFields()
  for (const [index, field] of fields.entries()) strict.put(field, values[index] ?? '')
  return strict
}

function numberText(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}
