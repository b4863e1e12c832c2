/** Records with pseudonyms in place of persons: user names, addresses of mail and of machines, and free text, in which names stand
 *  anywhere. A pseudonym is stable for one masker and means nothing to another. Known fields are masked as a whole; what they held,
 *  and whatever looks like an address, is masked everywhere else in the record too. What cannot be read is not shown at all. */
import { createHmac } from 'node:crypto'
import { clientAddress } from '@siem-relay/common'
import { isFreeTextCefField, partsOfCef, personalFieldsOf } from './cef-parts.ts'

/** Larger ones are not masked, and so not shown. */
const charactersMax = 262_144
/** Values of known fields that are looked for in the rest of a record. */
const knownMax = 200
const depthMax = 40

export interface Masker {
  /** A record: JSON, or a line of CEF. */
  readonly record: (text: string) => string
  /** A short text, such as a reason or an id. */
  readonly text: (text: string) => string
}

/** @param salt random bytes of this session. */
export function createMasker(salt: Uint8Array): Masker {
  const pseudonym = (prefix: string, value: string): string =>
    `${prefix}-${createHmac('sha256', salt).update(value.trim().toLowerCase()).digest('hex').slice(0, 6)}`
  const person = (value: string): string => {
    if (value.trim() === '') return value
    if (isAddress(value)) return pseudonym('ip', value)
    return pseudonym(value.includes('@') ? 'mail' : 'user', value)
  }
  const free = (value: string): string => (value.trim() === '' ? value : pseudonym('text', value))

  const patterns = (text: string, known: Known): string => {
    let masked = text
    // Looked for first: a pseudonym costs more than a look, and a hostile record has many of both.
    for (const value of known.longestFirst())
      if (masked.includes(value)) masked = masked.replaceAll(value, person(value))
    return masked
      .replace(mailPattern, (found) => pseudonym('mail', found))
      .replace(v4Pattern, (found) => pseudonym('ip', found))
      .replace(v6Pattern, (found) => (isAddress(found) ? pseudonym('ip', found) : found))
  }

  const json = (value: unknown, known: Known, place: Place): unknown => {
    if (place.depth > depthMax) return '[too deep]'
    if (typeof value === 'string') {
      const inner = place.isPersonal ? undefined : parsedObject(value)
      if (inner !== undefined) return JSON.stringify(json(inner, known, { ...place, depth: place.depth + 1 }))
      if (place.isPersonal) return person(value)
      return place.isFree ? free(value) : patterns(value, known)
    }
    if (Array.isArray(value)) return value.map((item) => json(item, known, { ...place, depth: place.depth + 1 }))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [patterns(key, known), json(item, known, placeOf(key, value, place))]),
    )
  }

  const cef = (line: string): string | undefined => {
    const parts = partsOfCef(line)
    if (parts === undefined) return undefined
    const known = new Known()
    const isPersonal = personalFieldsOf(parts.fields)
    for (const { key, value } of parts.fields) if (isPersonal(key)) known.add(value)
    const fields = parts.fields.map(({ key, value }) => {
      if (isPersonal(key)) return `${key}=${person(value)}`
      return `${key}=${isFreeTextCefField(key) ? free(value) : patterns(value, known)}`
    })
    return `${patterns(parts.header, known)}${fields.join(' ')}`
  }

  return {
    text: (text) => patterns(text.slice(0, charactersMax), new Known()),
    record: (text) => {
      if (text === '') return ''
      if (text.length > charactersMax) return `[${text.length} characters: too long to be masked]`
      const parsed = parsedObject(text)
      if (parsed !== undefined) {
        const known = new Known()
        collect(parsed, known, { isPersonal: false, isFree: false, depth: 0 })
        return JSON.stringify(json(parsed, known, { isPersonal: false, isFree: false, depth: 0 }))
      }
      return cef(text) ?? `[${text.length} characters that are neither JSON nor CEF, and so cannot be masked]`
    },
  }
}

/** Lengths are bounded, so that a long text takes no quadratic time. */
const mailPattern = /[^\s@<>"'(),;:=|]{1,64}@[^\s@<>"'(),;:=|]{1,255}/g
/** Not what follows a name and a slash: `Chrome/131.0.0.0` is a version. */
const v4Pattern = /(?<![\d.]|[A-Za-z]\/)(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)/g
const v6Pattern = /(?<![\w:])(?=[0-9a-fA-F]*:)[0-9a-fA-F:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])/g

function isAddress(text: string): boolean {
  const { v4, v6 } = clientAddress(text.trim())
  return v4 !== '' || (v6 !== '' && text.includes(':'))
}

/** Where in a record a value stands. */
interface Place {
  /** Under a field that tells of a person or a machine. */
  readonly isPersonal: boolean
  readonly isFree: boolean
  readonly depth: number
}

const personalKey =
  /user|account|actor|upn$|principal|e-?mail|mailbox|sender|recipient|owner|author|creator|initiat|samaccount|sid$|(?:^|[a-z_])ip(?:address(?:es)?|v[46])?$|^ip|(?:device|machine|host|computer|dns|netbios)_?(?:dns)?_?name$/i
/** Words of a closed set, numbers and times: telling nobody's name. */
const harmlessKey =
  /agent|tags?$|type$|roles?$|category$|status$|(?<!ac)count$|time(?:stamp)?$|date(?:time)?$|version$|country|^is[A-Z]|^inst(?:ance)?(?:Id)?$|^saas$|application|risk|score|verdict|totalUsers|totalIpAddresses/i
const freeKey = /^(?:description|comments?|notes?|rawString|message|msg|summary|subject|body)$/i
/** Entities whose name is nobody's. */
const harmlessEntity = /service|app|policy|rule|country|saas|tag|category/i

function placeOf(key: string, parent: object, { isPersonal, depth }: Place): Place {
  const isHarmless = harmlessKey.test(key)
  const isNamed = /^(?:name|label|id|text)$/i.test(key) && isPersonalEntity(parent)
  return {
    isPersonal: !isHarmless && (isPersonal || isNamed || personalKey.test(key)),
    isFree: freeKey.test(key),
    depth: depth + 1,
  }
}

/** An entity says what it is in a `type`; one of a kind that is not known may be a person. */
function isPersonalEntity(parent: object): boolean {
  const type = ['type', 'objType', 'Type', 'entityType']
    .map((key) => Reflect.get(parent, key))
    .find((one) => one !== undefined)
  return type !== undefined && !(typeof type === 'string' && harmlessEntity.test(type))
}

function collect(value: unknown, known: Known, place: Place): void {
  if (place.depth > depthMax) return
  if (typeof value === 'string') {
    if (place.isPersonal) known.add(value)
    else {
      const inner = parsedObject(value)
      if (inner !== undefined) collect(inner, known, { ...place, depth: place.depth + 1 })
    }
  } else if (Array.isArray(value)) for (const item of value) collect(item, known, { ...place, depth: place.depth + 1 })
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) collect(item, known, placeOf(key, value, place))
}

/** Values of a record's personal fields. Short ones, and numbers, would mask half of every text. */
class Known {
  readonly #values = new Set<string>()
  #sorted: readonly string[] | undefined

  add(value: string): void {
    if (value.length < 4 || value.length > 256 || /^\d+$/.test(value) || this.#values.size >= knownMax) return
    this.#values.add(value)
    this.#sorted = undefined
  }

  longestFirst(): readonly string[] {
    this.#sorted ??= [...this.#values].sort((left, right) => right.length - left.length)
    return this.#sorted
  }
}

function parsedObject(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
