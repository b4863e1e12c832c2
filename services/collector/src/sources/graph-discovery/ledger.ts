/** What the source remembers, as it lies in the state topic: a baseline for every app of a stream under `app/<stream>/<app>`, who was
 *  seen with it under `users/…` and `ipAddresses/…`, and the sweep under `sweep`. Streams and apps stand there as hashes of their ids,
 *  so that no id is too long or has a slash. Changes count once they are committed. */
import { createHash } from 'node:crypto'
import type { State, StateChange } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'
import type { Baseline } from './differences.ts'
import { checkNames, nameCount } from './names.ts'
import { type List, lists } from './reading.ts'

/** Where an app of a stream stands in the state. */
export interface Place {
  readonly stream: string
  readonly app: string
}

export interface Sweep {
  /** Raised before a sweep writes anything: rows of two sweeps never have the same id. */
  readonly sequence: number
  /** The server's time at the start of the last sweep that read all streams. */
  readonly wholeAtMs: number | undefined
}

const count = z.int().min(0).exactOptional()
/** Unknown keys are dropped, so that an older version reads what a newer one wrote. */
const baselineSchema = z.object({
  period: z.string(),
  counts: z.object({ TotalEvents: count, UploadedBytes: count, DownloadedBytes: count }),
  sizes: z.object({ users: count, ipAddresses: count }),
  lastSeenMs: z.number().optional(),
  due: z.object({ users: count, ipAddresses: count }),
  absences: z.int().min(0),
})
const sweepSchema = z.object({ sequence: z.int().min(0), wholeAtMs: z.number().optional() })

const sweepKey = 'sweep'
const noSweep: Sweep = { sequence: 0, wholeAtMs: undefined }
const appPrefix = 'app/'
const appKey = ({ stream, app }: Place): string => `${appPrefix}${stream}/${app}`
const namesKey = (list: List, { stream, app }: Place): string => `${list}/${stream}/${app}`

export const placeKeyOf = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 20)

export class Ledger {
  readonly #values = new Map<string, Buffer>()
  #apps = 0
  #names = 0
  #sweep: Sweep = noSweep

  /** @throws {RelayError} `RELAY_LOG_CORRUPT` with disposition stop: what cannot be read must not become a first read. */
  restore(state: State): void {
    this.#values.clear()
    this.#apps = 0
    this.#names = 0
    this.#sweep = noSweep
    for (const [key, value] of state) {
      if (isNames(key)) checkNames(key, value)
      this.#set(key, value)
    }
    for (const place of this.places()) this.baseline(place)
  }

  /** Baselines there are. */
  get apps(): number {
    return this.#apps
  }

  /** Names there are, over all lists. */
  get names(): number {
    return this.#names
  }

  get sweep(): Sweep {
    return this.#sweep
  }

  baseline(place: Place): Baseline | undefined {
    const value = this.#values.get(appKey(place))
    if (value === undefined) return undefined
    return { lastSeenMs: undefined, ...decode(appKey(place), baselineSchema, value) }
  }

  namesIn(list: List, place: Place): Buffer | undefined {
    return this.#values.get(namesKey(list, place))
  }

  /** Where there are baselines. @param stream only those of this one. */
  places(stream?: string): readonly Place[] {
    const prefix = stream === undefined ? appPrefix : `${appPrefix}${stream}/`
    const keys = Array.from(this.#values.keys()).filter((key) => key.startsWith(prefix))
    return keys.map((key) => {
      const [, of = '', app = ''] = key.split('/')
      return { stream: of, app }
    })
  }

  /** @returns nothing when the baseline is as it was. */
  changesTo(place: Place, baseline: Baseline): readonly StateChange[] {
    const value = Buffer.from(JSON.stringify(baseline))
    return this.#values.get(appKey(place))?.equals(value) === true ? [] : [{ key: appKey(place), value }]
  }

  /** @returns nothing when the set is as it was. */
  changesToNames(list: List, place: Place, set: Buffer): readonly StateChange[] {
    const key = namesKey(list, place)
    return this.#values.get(key)?.equals(set) === true ? [] : [{ key, value: set }]
  }

  changeSweep(sweep: Sweep): StateChange {
    return { key: sweepKey, value: Buffer.from(JSON.stringify(sweep)) }
  }

  forget(place: Place): readonly StateChange[] {
    return [appKey(place), ...lists.map((list) => namesKey(list, place))]
      .filter((key) => this.#values.has(key))
      .map((key) => ({ key, value: null }))
  }

  /** The changes are durable. */
  apply(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) this.#set(key, value === null ? undefined : Buffer.from(value))
  }

  #set(key: string, value: Buffer | undefined): void {
    const before = this.#values.get(key)
    if (key.startsWith(appPrefix)) this.#apps += Number(value !== undefined) - Number(before !== undefined)
    if (key === sweepKey && value !== undefined) this.#sweep = { ...noSweep, ...decode(key, sweepSchema, value) }
    if (isNames(key)) this.#names += nameCount(value) - nameCount(before)
    if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
  }
}

function isNames(key: string): boolean {
  return lists.some((list) => key.startsWith(`${list}/`))
}

function decode<T>(key: string, schema: z.ZodType<T>, value: Buffer): T {
  try {
    return schema.parse(JSON.parse(value.toString()))
  } catch (cause) {
    throw new RelayError(
      'RELAY_LOG_CORRUPT',
      `the state under ${key} is not readable; stopped, since everything would be told again`,
      { disposition: 'stop', cause },
    )
  }
}
