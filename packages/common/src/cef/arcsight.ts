/** Micro Focus ArcSight CEF: strict. Specification lengths, empty values and their labels left out, typed fields valid, `rt`
 *  always, the client's address in `src` as well as `dvc`. Source: ArcSight "Implementing CEF", CEF key names and lengths. */
import type { RelayEvent } from '../events.ts'
import { clientAddress } from '../ip.ts'
import { shortenText } from './message.ts'
import type { CefValues } from './profile.ts'

/** Most characters of a value, by key. */
const charactersMax: ReadonlyMap<string, number> = new Map([
  ['externalId', 40],
  ['msg', 1023],
  ['suser', 1023],
  ['destinationServiceName', 1023],
  ['requestClientApplication', 1023],
  ['cs1', 4000],
  ['cs2', 4000],
  ['cs3', 4000],
  ['cs4', 4000],
])

/** Keys and values in turn, without empty ones. */
export function arcsightExtension(event: RelayEvent, values: CefValues): readonly string[] {
  const pairs: string[] = []
  const put = (key: string, value: string): void => {
    if (value === '') return
    const max = charactersMax.get(key)
    // An identifier is cut without a mark: the first 40 characters of an activity's id still name it.
    pairs.push(key, max === undefined ? value : key === 'externalId' ? value.slice(0, max) : shortenText(value, max))
  }
  const putLabelled = (key: string, label: string, value: string): void => {
    if (value === '') return
    pairs.push(`${key}Label`, label)
    put(key, value)
  }
  const time = values.timestampMs === undefined ? '' : String(values.timestampMs)
  const isAlert = event.kind === 'alert'
  const address = clientAddress(isAlert ? (event.ips[0] ?? '') : event.clientIP)
  put('externalId', values.externalId)
  put('rt', time)
  put('start', time)
  put('end', time)
  put('msg', values.message)
  put('suser', values.user)
  put('destinationServiceName', values.service)
  if (!isAlert) put('dvc', address.v4)
  put('src', address.v4)
  if (!isAlert) put('requestClientApplication', event.userAgent)
  if (isAlert && /^-?\d{1,18}$/.test(event.riskScore)) putLabelled('cn1', 'riskScore', event.riskScore)
  putLabelled('cs1', 'portalURL', values.portalUrl)
  putLabelled('cs2', 'uniqueServiceAppIds', values.appIds)
  putLabelled(
    'cs3',
    isAlert ? 'relatedAudits' : 'targetObjects',
    isAlert ? event.audits.join(',') : objectNames(event.objects),
  )
  putLabelled('cs4', 'policyIDs', values.policyIds)
  putLabelled('c6a1', 'Device IPv6 Address', isAlert ? '' : address.v6)
  putLabelled('c6a2', 'Source IPv6 Address', address.v6)
  return pairs
}

/** Names alone; empty ones say nothing in a strict line. */
function objectNames(objects: readonly { readonly name: string }[]): string {
  return objects
    .map((object) => object.name)
    .filter((name) => name !== '')
    .join(',')
}
