/** Micro Focus ArcSight CEF: strict. Specification lengths, empty values and their labels left out, typed fields valid, `rt`
 *  always, the client's address in `src` as well as `dvc`. Source: ArcSight "Implementing CEF", CEF key names and lengths. */
import type { Activity, Alert } from '../events.ts'
import { clientAddress } from '../ip.ts'
import { type CefField, cefField, shortenText, timeText } from './message.ts'
import type { CefExtension, CefValues } from './profile.ts'

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
  ['cs5', 4000],
  ['flexString1', 1023],
])

const plain = {
  externalId: cefField('externalId'),
  rt: cefField('rt'),
  start: cefField('start'),
  end: cefField('end'),
  msg: cefField('msg'),
  suser: cefField('suser'),
  destinationServiceName: cefField('destinationServiceName'),
  dvc: cefField('dvc'),
  src: cefField('src'),
  requestClientApplication: cefField('requestClientApplication'),
}
const labelled = {
  riskScore: cefField('cn1', 'riskScore'),
  portalURL: cefField('cs1', 'portalURL'),
  uniqueServiceAppIds: cefField('cs2', 'uniqueServiceAppIds'),
  relatedAudits: cefField('cs3', 'relatedAudits'),
  targetObjects: cefField('cs3', 'targetObjects'),
  policyIDs: cefField('cs4', 'policyIDs'),
  deviceIPv6: cefField('c6a1', 'Device IPv6 Address'),
  sourceIPv6: cefField('c6a2', 'Source IPv6 Address'),
}

export function arcsightExtension(event: Alert | Activity, common: CefValues): CefExtension {
  const { fields, values, put } = strictFields()
  const isAlert = event.kind === 'alert'
  const { v4, v6 } = clientAddress(isAlert ? (event.ips[0] ?? '') : event.clientIP)
  put(plain.externalId, common.externalId)
  put(plain.rt, timeText(common.timestampMs))
  put(plain.start, timeText(common.startMs))
  put(plain.end, timeText(common.endMs))
  put(plain.msg, common.message)
  put(plain.suser, common.user)
  put(plain.destinationServiceName, common.service)
  if (!isAlert) put(plain.dvc, v4)
  put(plain.src, v4)
  if (!isAlert) put(plain.requestClientApplication, event.userAgent)
  // cn1 is a 64-bit integer; anything else in it is an error at strict readers.
  if (isAlert && /^-?\d{1,18}$/.test(event.riskScore)) put(labelled.riskScore, event.riskScore)
  put(labelled.portalURL, common.portalUrl)
  put(labelled.uniqueServiceAppIds, common.appIds)
  if (isAlert) put(labelled.relatedAudits, event.audits.join(','))
  else put(labelled.targetObjects, objectNames(event.objects))
  put(labelled.policyIDs, common.policyIds)
  if (!isAlert) put(labelled.deviceIPv6, v6)
  put(labelled.sourceIPv6, v6)
  return { fields, values }
}

/** A list of fields without those that have no value, each within its length. */
export function strictFields(): CefExtension & { readonly put: (field: CefField, value: string) => void } {
  const fields: CefField[] = []
  const values: string[] = []
  const put = (field: CefField, value: string): void => {
    if (value === '') return
    fields.push(field)
    values.push(fitted(field.key, value))
  }
  return { fields, values, put }
}

function fitted(key: string, value: string): string {
  const max = charactersMax.get(key)
  if (max === undefined || value.length <= max) return value
  // An identifier is cut without a mark: the first 40 characters of an activity's id still name it.
  return key === 'externalId' ? value.slice(0, max) : shortenText(value, max)
}

/** Names alone; empty ones say nothing in a strict line. */
function objectNames(objects: readonly { readonly name: string }[]): string {
  return objects
    .map((object) => object.name)
    .filter((name) => name !== '')
    .join(',')
}
