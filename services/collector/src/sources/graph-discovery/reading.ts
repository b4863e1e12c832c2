/** What the pages of cloudAppDiscovery say, as far as it can be used. Every field was written by somebody else, and all but a few
 *  names are known from the reference alone: what is absent, null or of another type reads as not known. Pure.
 *  Source: Microsoft Graph beta, resource types cloudAppDiscoveryReport, discoveredCloudAppDetail, discoveredCloudAppUser and
 *  discoveredCloudAppIPAddress. */
import { type Fields, fieldsOf, integerOf, textOf, textsOf, timeOf } from '@siem-relay/common'

/** The sums an app has over the period, under the names of the columns they become. */
export const counters = ['TotalEvents', 'UploadedBytes', 'DownloadedBytes'] as const
export type Counter = (typeof counters)[number]
export type Counts = { readonly [C in Counter]?: number }

/** Who used an app: lists of names without counts. */
export const lists = ['users', 'ipAddresses'] as const
export type List = (typeof lists)[number]

export interface StreamReading {
  readonly id: string
  readonly name: string
}

export interface AppReading {
  readonly id: string
  readonly name: string
  readonly category: string
  readonly tags: readonly string[]
  readonly score: number | undefined
  readonly counts: Counts
  /** How many names its lists hold. */
  readonly sizes: { readonly [L in List]?: number }
  readonly lastSeenMs: number | undefined
}

/** Longer texts are cut in rows, so that no row outgrows what a log takes; who they name is told apart by all of them. */
const textMax = 1_024
const tagsMax = 50

/** undefined for an item without a usable id. */
export function readStream(item: unknown): StreamReading | undefined {
  const { id, displayName } = fieldsOf(item)
  return isUsableId(id) ? { id, name: shortened(textOf(displayName)) || id } : undefined
}

/** undefined for an item without a usable id. */
export function readApp(item: unknown): AppReading | undefined {
  const fields = fieldsOf(item)
  const { id } = fields
  if (!isUsableId(id)) return undefined
  const score = integerOf(fields.riskScore)
  return {
    id,
    name: shortened(textOf(fields.displayName)) || id,
    category: categoryOf(textOf(fields.category)),
    tags: textsOf(fields.tags)
      .filter((tag) => tag !== '')
      .slice(0, tagsMax)
      .map(shortened),
    score: score !== undefined && score >= 0 && score <= 10 ? score : undefined,
    counts: known({
      TotalEvents: countOf(fields.transactionCount),
      UploadedBytes: countOf(fields.uploadNetworkTrafficInBytes),
      DownloadedBytes: countOf(fields.downloadNetworkTrafficInBytes),
    }),
    sizes: known({ users: countOf(fields.userCount), ipAddresses: countOf(fields.ipAddressCount) }),
    lastSeenMs: timeOf(fields.lastSeenDateTime),
  }
}

/** '' for an item that names nobody. */
export function readName(list: List, item: unknown): string {
  const fields: Fields = fieldsOf(item)
  return textOf(list === 'users' ? fields.userIdentifier : fields.ipAddress)
}

/** Names of categories that are not only words run together. */
const categories: ReadonlyMap<string, string> = new Map([
  ['crm', 'CRM'],
  ['eCommerce', 'E-commerce'],
  ['generativeAi', 'Generative AI'],
  ['itServices', 'IT services'],
])

/** `cloudStorage` of Graph is `Cloud storage` in Microsoft's table; what is no such word stays as it is. */
function categoryOf(text: string): string {
  if (!/^[a-z]+([A-Z][a-z]+)*$/.test(text)) return shortened(text)
  const words = text.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return categories.get(text) ?? shortened(words.charAt(0).toUpperCase() + words.slice(1))
}

/** A text no longer than a row may hold; never half a character. */
export function shortened(text: string): string {
  if (text.length <= textMax) return text
  return `${text.slice(0, textMax - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** An id becomes a segment of a path, where dots alone would lead elsewhere. */
function isUsableId(id: unknown): id is string {
  return typeof id === 'string' && id.length <= 200 && !/^\.{0,2}$/.test(id)
}

function countOf(value: unknown): number | undefined {
  const count = integerOf(value)
  return count !== undefined && count >= 0 ? count : undefined
}

function known<K extends string>(counts: Readonly<Record<K, number | undefined>>): { readonly [C in K]?: number } {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined)) as { [C in K]?: number }
}
