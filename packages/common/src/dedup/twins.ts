/** One alert, once: Defender for Identity's own copy and the one Defender for Cloud Apps passes on have different ids. Which of them
 *  an agent gets is decided here, over what it got before and the record alone: by event time and the log's time, never by a clock
 *  or the size of a batch, so that a replay decides the same.
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
  /** Alerts remembered, and characters of them as JSON; beyond either the oldest are forgotten, and held ones let go. */
  readonly entriesMax: number
  readonly charactersMax: number
}

/** An alert as the log had it, with what leaves when it leaves. `Message` is the owner's; it is kept in state as JSON. */
export interface TwinCandidate<Message> {
  readonly alert: Alert
  /** When the log took the record: what grace and memory are measured by. */
  readonly appendedMs: number
  /** A version of an alert that went by before: it says something new, and is nobody's duplicate. */
  readonly isUpdate: boolean
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
  /** It leaves now; `before`: what was held and leaves first. `twin`: it names the copy that left before (policy annotate). */
  | { readonly type: 'send'; readonly before?: Message; readonly twin?: TwinEvidence }
  /** The copy that left before is the one that is kept. */
  | { readonly type: 'discard'; readonly evidence: TwinEvidence }
  /** It waits for its twin. */
  | { readonly type: 'hold' }
  /** It leaves now, and the copy that was held never does. */
  | { readonly type: 'replace'; readonly evidence: TwinEvidence; readonly held: Message }

interface Entry<Message> extends TwinName {
  readonly keys: TwinKeys
  readonly appendedMs: number
  /** Has its twin, or is one: no other alert is its twin. */
  readonly isPaired: boolean
  /** Waits until then. */
  readonly held?: { readonly untilMs: number; readonly message: Message }
}

/** Twins come to the log at most so far apart; what an alert says of its own time does not decide how long it is remembered. */
const rememberedMs = 25 * 3_600_000
const sequenceDigits = 12

export class Twins<Message> {
  readonly #options: TwinsOptions
  /** By state key, in order of arrival. */
  readonly #entries = new Map<string, { readonly entry: Entry<Message>; readonly json: string }>()
  /** Keys of those without a twin, by what a twin has to share: product and type, product and title. */
  readonly #single = new Map<string, Set<string>>()
  /** Keys of those that wait, in order of arrival. */
  readonly #held = new Set<string>()
  readonly #changed = new Set<string>()
  #nextSequence = 0
  #characters = 0

  constructor(options: TwinsOptions) {
    this.#options = options
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
    this.#changed.clear()
  }

  /** The log has come so far: call before `decide` of every record. @returns what leaves before it, in order of arrival. */
  advance(appendedMs: number): readonly Message[] {
    const released = [...this.release(appendedMs)]
    const { entriesMax, charactersMax } = this.#options
    for (const [key, { entry }] of this.#entries) {
      const isRoom = this.#entries.size < entriesMax && this.#characters < charactersMax
      if (isRoom && entry.appendedMs >= appendedMs - rememberedMs) break
      if (entry.held !== undefined) released.push(entry.held.message)
      this.#remove(key)
    }
    return released
  }

  decide({ alert, appendedMs, isUpdate, message }: TwinCandidate<Message>): TwinDecision<Message> {
    const { policy, windowMs, graceMs } = this.#options
    if (!hasTwins(alert)) return { type: 'send' }
    if (isUpdate) return this.#overtaken(alert)
    if (policy === 'off') return { type: 'send' }
    const keys = twinKeysOf(alert)
    if (keys.timesMs.length === 0) return { type: 'send' }
    const me = { id: alert.id, source: alert.source, product: alert.product }
    const found = this.#nearest(alert, keys, windowMs)
    if (found === undefined) {
      const waits =
        (policy === 'prefer-identity' && alert.product === 'cloud-apps') ||
        (policy === 'prefer-cloud-apps' && alert.product === 'identity')
      const held = waits ? { held: { untilMs: appendedMs + graceMs, message } } : {}
      this.#add({ ...me, keys, appendedMs, isPaired: false, ...held })
      return { type: waits ? 'hold' : 'send' }
    }
    const { key, entry, match } = found
    const other: TwinName = { id: entry.id, source: entry.source, product: entry.product }
    this.#put(key, { ...sentOf(entry), isPaired: true })
    this.#add({ ...me, keys, appendedMs, isPaired: true })
    if (policy === 'annotate') return { type: 'send', twin: { ...match, kept: me, other } }
    if (entry.held === undefined) return { type: 'discard', evidence: { ...match, kept: other, other: me } }
    return { type: 'replace', evidence: { ...match, kept: me, other }, held: entry.held.message }
  }

  /** Alerts that wait for their twin. */
  get heldCount(): number {
    return this.#held.size
  }

  /** When the next held alert is due, in the log's time. */
  dueMs(): number | undefined {
    let dueMs: number | undefined
    for (const key of this.#held) {
      const untilMs = this.#entries.get(key)?.entry.held?.untilMs ?? Number.POSITIVE_INFINITY
      if (dueMs === undefined || untilMs < dueMs) dueMs = untilMs
    }
    return dueMs
  }

  /** Lets go what waited in vain until then, in order of arrival. */
  release(untilMs: number): readonly Message[] {
    const due = [...this.#held].filter((key) => (this.#entries.get(key)?.entry.held?.untilMs ?? untilMs) <= untilMs)
    return due.flatMap((key) => this.#letGo(key) ?? [])
  }

  /** Changes of the state since the last call. */
  takeChanges(): readonly { readonly key: string; readonly value: Buffer | null }[] {
    const changes = Array.from(this.#changed, (key) => {
      const json = this.#entries.get(key)?.json
      return { key, value: json === undefined ? null : Buffer.from(json) }
    })
    this.#changed.clear()
    return changes
  }

  /** An update does not go before the alert itself: that one waits no longer. */
  #overtaken({ id, product }: Alert): TwinDecision<Message> {
    for (const key of this.#held) {
      const entry = this.#entries.get(key)?.entry
      if (entry?.id !== id || entry.product !== product) continue
      const before = this.#letGo(key)
      return before === undefined ? { type: 'send' } : { type: 'send', before }
    }
    return { type: 'send' }
  }

  #letGo(key: string): Message | undefined {
    const entry = this.#entries.get(key)?.entry
    if (entry !== undefined) this.#put(key, sentOf(entry))
    return entry?.held?.message
  }

  /** Among several: most keys in common, then nearest in time, then the first to come. */
  #nearest(alert: Alert, keys: TwinKeys, windowMs: number) {
    // Never inside one product: two attacks of one kind within the hour are two.
    const product = alert.product === 'identity' ? 'cloud-apps' : 'identity'
    const candidates = shelvesOf({ product, keys }).flatMap((shelf) => [...(this.#single.get(shelf) ?? [])])
    let best: { key: string; entry: Entry<Message>; match: TwinMatch } | undefined
    for (const key of candidates.sort()) {
      const entry = this.#entries.get(key)?.entry
      if (entry === undefined) continue
      const match = matchTwins(entry.keys, keys, windowMs)
      if (match !== undefined && (best === undefined || isBetter(match, best.match))) best = { key, entry, match }
    }
    return best
  }

  #add(entry: Entry<Message>): void {
    this.#put(this.#options.prefix + String(this.#nextSequence++).padStart(sequenceDigits, '0'), entry)
  }

  #put(key: string, entry: Entry<Message>): void {
    const json = JSON.stringify(entry)
    this.#characters += json.length - (this.#entries.get(key)?.json.length ?? 0)
    this.#entries.set(key, { entry, json })
    if (entry.isPaired) this.#unshelve(key, entry)
    else this.#shelve(key, entry)
    if (entry.held === undefined) this.#held.delete(key)
    else this.#held.add(key)
    this.#changed.add(key)
  }

  #remove(key: string): void {
    const gone = this.#entries.get(key)
    if (gone === undefined) return
    this.#characters -= gone.json.length
    this.#entries.delete(key)
    this.#unshelve(key, gone.entry)
    this.#held.delete(key)
    this.#changed.add(key)
  }

  #shelve(key: string, entry: Entry<Message>): void {
    for (const shelf of shelvesOf(entry)) {
      const keys = this.#single.get(shelf) ?? new Set()
      this.#single.set(shelf, keys.add(key))
    }
  }

  #unshelve(key: string, entry: Entry<Message>): void {
    for (const shelf of shelvesOf(entry)) {
      const keys = this.#single.get(shelf)
      keys?.delete(key)
      if (keys?.size === 0) this.#single.delete(shelf)
    }
  }
}

/** Where an alert stands, and where its twin is looked for: one that knows its type may have a twin that does not. */
function shelvesOf({ product, keys }: { readonly product: string; readonly keys: TwinKeys }): readonly string[] {
  const { tenant, type, title } = keys
  const shelves = type === '' ? [] : [`${product}/${tenant}/type/${type}`]
  return title === '' ? shelves : [...shelves, `${product}/${tenant}/title/${title}`]
}

function isBetter(one: TwinMatch, other: TwinMatch): boolean {
  const more = one.matched.length - other.matched.length
  return more === 0 ? one.distanceMs < other.distanceMs : more > 0
}

function sentOf<Message>({ held: _, ...entry }: Entry<Message>): Entry<Message> {
  return entry
}

function decode<Message>(key: string, value: Buffer): Entry<Message> {
  let cause: unknown
  try {
    const entry = JSON.parse(value.toString()) as Entry<Message>
    if (typeof entry.id === 'string' && typeof entry.appendedMs === 'number' && Array.isArray(entry.keys.accounts))
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
