/** What two products' copies of one alert have in common though they share no id: the type, the accounts, the source devices. Pure
 *  comparison of what each side says. A false merge hides an alert and a missed one only repeats it, so where both sides name
 *  accounts or source devices and these differ, they are not twins, whatever else agrees. */
import type { Alert, AlertEntity } from '../events.ts'
import { identityServiceId, normalizeTitle } from '../normalize/alert-types.ts'

/** One account in every form a product names it by; '' where it does not. Lower case. */
interface AccountForms {
  readonly id: string
  readonly sid: string
  readonly upn: string
  /** sAMAccountName, or the local part of the UPN. */
  readonly name: string
  /** The directory's domain, by its NetBIOS or its DNS name. */
  readonly domain: string
}

/** What an alert is compared by; kept in state as JSON. */
export interface TwinKeys {
  readonly tenant: string
  /** ALERT_EXTERNAL_AATP_…; '' when the type is not known. */
  readonly type: string
  readonly title: string
  readonly accounts: readonly AccountForms[]
  /** Names of source devices, lower case. */
  readonly devices: readonly string[]
  /** Times the two products may agree on: first activity and when it was raised. */
  readonly timesMs: readonly number[]
}

/** Why two alerts are taken for one. */
export interface TwinMatch {
  /** `type:…` or `title:…`, then `account:…` and `device:…`, as compared. */
  readonly matched: readonly string[]
  readonly distanceMs: number
}

/** Alerts that can have a twin: Defender for Identity's own, and what Defender for Cloud Apps passes on from it. */
export function hasTwins(alert: Alert): boolean {
  if (alert.product === 'identity') return true
  if (alert.product !== 'cloud-apps') return false
  return isIdentityType(alert.alertType) || alert.services.some((service) => service.id === identityServiceId)
}

export function twinKeysOf(alert: Alert): TwinKeys {
  const acting = (entities: readonly AlertEntity[]): readonly AlertEntity[] =>
    entities.filter(({ role }) => role === 'Source')
  const named = alert.accounts.filter((account) => !isEverybody(account))
  const accounts = acting(named).length > 0 ? acting(named) : named
  // Without any role, a device is the source only if it stands alone.
  const isRoleless = alert.devices.every(({ role }) => role === '')
  const devices = isRoleless && alert.devices.length === 1 ? alert.devices : acting(alert.devices)
  return {
    tenant: alert.tenant,
    type: isIdentityType(alert.alertType) ? alert.alertType : '',
    title: normalizeTitle(alert.title).slice(0, titleCharactersMax),
    accounts: accounts
      .map(formsOf)
      .filter((forms) => nameOf(forms) !== '')
      .slice(0, entitiesMax),
    devices: [...new Set(devices.map(({ label }) => deviceName(label)).filter((name) => name !== ''))].slice(
      0,
      entitiesMax,
    ),
    timesMs: [...new Set([alert.startMs, alert.timestampMs].filter((ms) => ms !== undefined))],
  }
}

/** Alerts may name thousands; the first tell them apart. */
const entitiesMax = 20
const titleCharactersMax = 300
const formCharactersMax = 256

/**
 * @param windowMs most time between the nearest times of the two.
 * @returns undefined when anything that has to agree is missing or differs.
 */
export function matchTwins(left: TwinKeys, right: TwinKeys, windowMs: number): TwinMatch | undefined {
  if (left.tenant !== right.tenant) return undefined
  const kind = sameKind(left, right)
  if (kind === undefined) return undefined
  const distanceMs = distanceOf(left.timesMs, right.timesMs)
  if (!(distanceMs <= windowMs)) return undefined
  const accounts = compareAll(left.accounts, right.accounts, sameAccount, nameOf)
  const devices = compareAll(left.devices, right.devices, sameDevice, (name) => name)
  if (accounts === 'different' || devices === 'different') return undefined
  const shared = [
    ...(accounts === 'unknown' ? [] : [`account:${accounts.shared}`]),
    ...(devices === 'unknown' ? [] : [`device:${devices.shared}`]),
  ]
  return shared.length === 0 ? undefined : { matched: [kind, ...shared], distanceMs }
}

function sameKind(left: TwinKeys, right: TwinKeys): string | undefined {
  if (left.type !== '' && right.type !== '') return left.type === right.type ? `type:${left.type}` : undefined
  return left.title !== '' && left.title === right.title ? `title:${left.title}` : undefined
}

function distanceOf(left: readonly number[], right: readonly number[]): number {
  return Math.min(...left.flatMap((a) => right.map((b) => Math.abs(a - b))))
}

/** Undefined: the two sides cannot be compared. */
type Comparison = boolean | undefined

/** `different`: some pair can be compared, and none agrees. What cannot be compared may agree, but is no reason to merge what differs. */
function compareAll<T>(
  left: readonly T[],
  right: readonly T[],
  isSame: (a: T, b: T) => Comparison,
  nameOf: (item: T) => string,
): { readonly shared: string } | 'different' | 'unknown' {
  let isDifferent = false
  for (const a of left)
    for (const b of right) {
      const same = isSame(a, b)
      if (same === true) return { shared: nameOf(a) || nameOf(b) }
      if (same === false) isDifferent = true
    }
  return isDifferent ? 'different' : 'unknown'
}

function sameAccount(a: AccountForms, b: AccountForms): Comparison {
  const strong = (['id', 'sid', 'upn'] as const).filter((form) => a[form] !== '' && b[form] !== '')
  if (strong.some((form) => a[form] === b[form])) return true
  if (strong.length > 0) return false
  if (a.name === '' || b.name === '') return undefined
  if (a.name !== b.name) return false
  return sameDomain(domainOf(a), domainOf(b))
}

interface Domain {
  readonly name: string
  /** A UPN's suffix need not be the directory's domain. */
  readonly isSuffix: boolean
}

function domainOf({ domain, upn }: AccountForms): Domain {
  return domain === '' ? { name: upn.split('@')[1] ?? '', isSuffix: true } : { name: domain, isSuffix: false }
}

/** An unknown domain lets the name speak; two names of one form decide; a NetBIOS name and a DNS name may differ and be one. */
function sameDomain(a: Domain, b: Domain): Comparison {
  if (a.name === '' || b.name === '' || a.name === b.name) return true
  if (a.name.includes('.') === b.name.includes('.')) return a.isSuffix || b.isSuffix ? undefined : false
  return firstLabel(a.name) === firstLabel(b.name) ? true : undefined
}

function sameDevice(a: string, b: string): Comparison {
  if (a.includes('.') && b.includes('.')) return a === b
  return a.split('.', 1)[0] === b.split('.', 1)[0]
}

function formsOf(account: AlertEntity): AccountForms {
  const upn = lower(account.upn || (account.email.includes('@') ? account.email : ''))
  const [, labelDomain = '', labelName = ''] = /^([^\\@\s]+)\\([^\\@]+)$/.exec(account.label) ?? []
  const [upnName = ''] = upn.split('@')
  const name = lower(account.accountName || labelName) || upnName
  return {
    id: guidOf(account.id),
    sid: sidOf(account.sid),
    upn: upn.includes('@') ? upn : '',
    name,
    domain: lower(account.domain || labelDomain),
  }
}

/** Names that stand for everybody, or are a part of every alert of their type, tell no two alerts apart. */
const commonNames: ReadonlySet<string> = new Set([
  '-',
  'n/a',
  'unknown',
  'system',
  'krbtgt',
  'anonymous',
  'anonymous logon',
  'local service',
  'network service',
])

function isEverybody(account: AlertEntity): boolean {
  return commonNames.has(formsOf(account).name) || (account.sid !== '' && sidOf(account.sid) === '')
}

/** Of a domain's or of Entra's own accounts: S-1-5-18 and the like are the same everywhere, 502 is every domain's krbtgt. */
function sidOf(sid: string): string {
  const text = lower(sid)
  return /^s-1-(5-21|12-1)-[\d-]+$/.test(text) && !text.endsWith('-502') ? text : ''
}

/** What evidence calls the account. */
function nameOf({ upn, name, sid, id }: AccountForms): string {
  return upn || name || sid || id
}

const commonDevices: ReadonlySet<string> = new Set(['', '-', 'n/a', 'unknown', 'localhost'])

function deviceName(label: string): string {
  const name = lower(label).replace(/\.$/, '')
  // An address is not the machine's name, and its first label would be that of many.
  return commonDevices.has(name) || /^[\d.]+$/.test(name) || name.includes(':') ? '' : name
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function guidOf(id: string): string {
  const text = lower(id)
  return guid.test(text) && !/^[0-]+$/.test(text) ? text : ''
}

function firstLabel(domain: string): string {
  return domain.split('.', 1)[0] ?? ''
}

function lower(text: string): string {
  return text.slice(0, formCharactersMax).trim().toLowerCase()
}

function isIdentityType(type: string): boolean {
  return /^(MCAS_)?ALERT_EXTERNAL_AATP_/.test(type)
}

/**
 * An alert's id without the prefix Defender XDR puts in front: `aa` for Defender for Identity (a GUID follows), `ca` for Defender
 * for Cloud Apps (24 hexadecimal digits follow). By exact shape only: ids are hexadecimal and may begin with these letters.
 */
export function bareAlertId(id: string): string {
  return /^(ca[0-9a-f]{24}|aa[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(id) ? id.slice(2) : id
}
