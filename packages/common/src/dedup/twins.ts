/** One alert, once: Defender for Identity's own copy and the one Defender for Cloud Apps passes on have different ids. Which of them
 *  an agent gets is decided here, over what it got before and the event alone: by event time and the log's time, never by a clock,
 *  so that a replay decides the same.
 *
 *  The owner commits `takeChanges` together with the messages; after any failure it begins anew from what was committed. */
import { RelayError } from '../errors.ts'
import type { Alert } from '../events.ts'
import { hasTwins, matchTwins, type TwinKeys, type TwinMatch, twinKeysOf } from './twin-keys.ts'

export const twinPolicies = ['first', 'prefer-identity', 'prefer-cloud-apps', 'annotate', 'off'] as const
export type TwinPolicy = (typeof twinPolicies)[number]

export interface TwinsOptions {
  /** Keys of the state are this and a number that sorts by age. */
  readonly prefix: string
  readonly policy: TwinPolicy
  /** Most event time between twins. */
  readonly windowMs: number
  /** How long a copy that is not preferred waits for the other, in the log's time. */
  readonly graceMs: number
  /** Alerts remembered; the oldest are forgotten, and held ones let go, beyond it. */
  readonly entriesMax: number
}

/** An alert as the log had it, with what leaves when it leaves. `Message` is the owner's; it is kept in state as JSON. */
export interface TwinCandidate<Message> {
  readonly alert: Alert
  /** When the log took the record: what grace is measured by. */
  readonly appendedMs: number
  readonly message: Message
}

interface TwinName {
  readonly id: string
  readonly source: string
  readonly product: Alert['product']
}

/** Two copies, and why they are taken for one. */
export interface TwinEvidence extends TwinMatch {
  readonly kept: TwinName
  readonly other: TwinName
}

export type TwinDecision<Message> =
  /** It leaves now; `twin`: it names the copy that left before (policy annotate). */
  | { readonly type: 'send'; readonly twin?: TwinEvidence }
  /** The copy that left before, or waits, is the one that is kept. */
  | { readonly type: 'discard'; readonly evidence: TwinEvidence }
  /** It waits for its twin. */
  | { readonly type: 'hold' }
  /** It leaves now, and the copy that was held never does. */
  | { readonly type: 'replace'; readonly evidence: TwinEvidence; readonly held: Message }

interface Entry<Message> extends TwinName {
  readonly keys: TwinKeys
  readonly timeMs: number
  /** Has its twin, or is one: no other alert is its twin. */
  readonly isPaired: boolean
  /** Waits until then. */
  readonly held?: { readonly untilMs: number; readonly message: Message }
}

/** An alert may appear so long after it happened and still find its twin. */
const lateMs = 24 * 3_600_000
const sequenceDigits = 12

export class Twins<Message> {
  readonly #options: TwinsOptions
  /** By state key, in order of arrival. */
  readonly #entries = new Map<string, Entry<Message>>()
  readonly #keyOfId = new Map<string, string>()
  readonly #changed = new Set<string>()
  #nextSequence = 0
  #latestMs = Number.NEGATIVE_INFINITY
  #held = 0

  constructor(options: TwinsOptions) {
    this.#options = options
  }

  /** Alerts that wait for their twin. */
  get heldCount(): number {
    return this.#held
  }

  /**
   * @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop for a state that is not readable.
   */
  restore(state: ReadonlyMap<string, Buffer>): void {
    const { prefix } = this.#options
    for (const key of [...state.keys()].filter((one) => one.startsWith(prefix)).sort()) {
      this.#put(key, decode<Message>(key, state.get(key) as Buffer))
      this.#nextSequence = Number(key.slice(prefix.length)) + 1
    }
  }

  /** Call `release` up to the record's `appendedMs` first: what was due then has left by now. */
  decide({ alert, appendedMs, message }: TwinCandidate<Message>): TwinDecision<Message> {
    const { policy, windowMs, graceMs } = this.#options
    if (policy === 'off' || !hasTwins(alert)) return { type: 'send' }
    const known = this.#keyOfId.get(idKey(alert))
    // Another version of an alert says something new: it is nobody's duplicate.
    if (known !== undefined) return { type: 'send' }
    const keys = twinKeysOf(alert)
    if (keys.timesMs.length === 0) return { type: 'send' }
    const me = { id: alert.id, source: alert.source, product: alert.product }
    const found = this.#nearest(alert, keys, windowMs)
    const timeMs = Math.max(...keys.timesMs)
    if (found === undefined) {
      const waits =
        (policy === 'prefer-identity' && alert.product === 'cloud-apps') ||
        (policy === 'prefer-cloud-apps' && alert.product === 'identity')
      const held = waits ? { held: { untilMs: appendedMs + graceMs, message } } : {}
      this.#add({ ...me, keys, timeMs, isPaired: false, ...held })
      return { type: waits ? 'hold' : 'send' }
    }
    const { key, entry, match } = found
    const other: TwinName = { id: entry.id, source: entry.source, product: entry.product }
    this.#change(key, pairedOf(entry))
    this.#add({ ...me, keys, timeMs, isPaired: true })
    if (policy === 'annotate') return { type: 'send', twin: { ...match, kept: me, other } }
    if (entry.held === undefined) return { type: 'discard', evidence: { ...match, kept: other, other: me } }
    return { type: 'replace', evidence: { ...match, kept: me, other }, held: entry.held.message }
  }

  /** When the next held alert is due, in the log's time. */
  dueMs(): number | undefined {
    if (this.#held === 0) return undefined
    return Math.min(...[...this.#entries.values()].map(({ held }) => held?.untilMs ?? Number.POSITIVE_INFINITY))
  }

  /** Lets go what waited in vain, in order of arrival. */
  release(untilMs: number): readonly Message[] {
    if (this.#held === 0) return []
    const released: Message[] = []
    for (const [key, entry] of this.#entries) {
      if (entry.held === undefined || entry.held.untilMs > untilMs) continue
      released.push(entry.held.message)
      this.#change(key, sentOf(entry))
    }
    return released
  }

  /**
   * Forgets what can have no twin any more. @returns changes of the state since the last call, and what was held beyond the bound:
   * it has to leave.
   */
  takeChanges(): { readonly changes: readonly { readonly key: string; readonly value: Buffer | null }[] } & {
    readonly released: readonly Message[]
  } {
    const released = this.#forget()
    const changes = [...this.#changed].map((key) => {
      const entry = this.#entries.get(key)
      return { key, value: entry === undefined ? null : Buffer.from(JSON.stringify(entry)) }
    })
    this.#changed.clear()
    return { changes, released }
  }

  /** Among several: most keys in common, then nearest in time, then the first to come. */
  #nearest(alert: Alert, keys: TwinKeys, windowMs: number) {
    let best: { key: string; entry: Entry<Message>; match: TwinMatch } | undefined
    for (const [key, entry] of this.#entries) {
      // Never inside one product: two attacks of one kind within the hour are two.
      if (entry.isPaired || entry.product === alert.product) continue
      const match = matchTwins(entry.keys, keys, windowMs)
      if (match !== undefined && (best === undefined || isBetter(match, best.match))) best = { key, entry, match }
    }
    return best
  }

  #add(entry: Entry<Message>): void {
    const key = this.#options.prefix + String(this.#nextSequence++).padStart(sequenceDigits, '0')
    this.#put(key, entry)
    this.#changed.add(key)
  }

  #put(key: string, entry: Entry<Message>): void {
    this.#entries.set(key, entry)
    this.#keyOfId.set(idKey(entry), key)
    this.#latestMs = Math.max(this.#latestMs, entry.timeMs)
    if (entry.held !== undefined) this.#held++
  }

  #change(key: string, entry: Entry<Message>): void {
    if (this.#entries.get(key)?.held !== undefined && entry.held === undefined) this.#held--
    this.#entries.set(key, entry)
    this.#changed.add(key)
  }

  #forget(): readonly Message[] {
    const { windowMs, entriesMax } = this.#options
    const horizonMs = this.#latestMs - windowMs - lateMs
    const released: Message[] = []
    let excess = this.#entries.size - entriesMax
    for (const [key, entry] of this.#entries) {
      const isExcess = excess > 0
      if (!isExcess && (entry.timeMs >= horizonMs || entry.held !== undefined)) continue
      if (entry.held !== undefined) {
        released.push(entry.held.message)
        this.#held--
      }
      this.#entries.delete(key)
      if (this.#keyOfId.get(idKey(entry)) === key) this.#keyOfId.delete(idKey(entry))
      this.#changed.add(key)
      excess--
    }
    return released
  }
}

function isBetter(one: TwinMatch, other: TwinMatch): boolean {
  const more = one.matched.length - other.matched.length
  return more === 0 ? one.distanceMs < other.distanceMs : more > 0
}

function idKey({ product, id }: { readonly product: string; readonly id: string }): string {
  return `${product}/${id}`
}

function sentOf<Message>({ held: _, ...entry }: Entry<Message>): Entry<Message> {
  return entry
}

function pairedOf<Message>(entry: Entry<Message>): Entry<Message> {
  return { ...sentOf(entry), isPaired: true }
}

function decode<Message>(key: string, value: Buffer): Entry<Message> {
  let cause: unknown
  try {
    const entry = JSON.parse(value.toString()) as Entry<Message>
    if (typeof entry.id === 'string' && typeof entry.timeMs === 'number' && Array.isArray(entry.keys.accounts))
      return entry
  } catch (error) {
    cause = error
  }
  throw new RelayError(
    'RELAY_LOG_CORRUPT',
    `the alert under ${key} is not readable; stopped, since going on would repeat or lose alerts`,
    { disposition: 'stop', cause },
  )
}
