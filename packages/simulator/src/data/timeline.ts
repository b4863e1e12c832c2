/** A tenant's life as time passes: activities and alerts at random moments, bulk operations on one millisecond, records
 *  that arrive hours late, alerts that somebody closes later. `publish` brings a store up to a moment; what happens does
 *  not depend on how often it is called. Real time is the caller's: nothing here looks at a clock. */

import type { Store } from '../defender/store.ts'
import { createGenerator, type Generator } from './generator.ts'
import { createRandom, type Random } from './random.ts'
import type { ActivityRecord, AlertRecord } from './records.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs

export interface TimelineOptions {
  /** The moment the tenant's life begins, Unix ms. */
  readonly startMs: number
  /** Mean number of operations per minute, each one activity but for bulk operations; default 60. */
  readonly activitiesPerMinute?: number
  /** Mean number of alerts per hour; default 12. */
  readonly alertsPerHour?: number
  /** Share of operations that are saved late, up to `lateMsMax`, 0..1; default 0.03. */
  readonly lateShare?: number
  /** How late at most; default 8 hours. */
  readonly lateMsMax?: number
  /** Share of operations that leave 2 to 31 activities on one millisecond, 0..1; default 0.02. */
  readonly bulkShare?: number
  /** Share of alerts whose status changes within the hour, 0..1; default 0.3. */
  readonly updateShare?: number
  /** A longer silence between two calls is not caught up with beyond this; default 7 days. Bounds memory and time. */
  readonly catchUpMsMax?: number
}

export interface Published {
  readonly activities: number
  readonly alerts: number
  readonly updates: number
}

export interface Timeline {
  /** Adds to `store` what the service would have saved between the last call and `nowMs`. */
  publish(store: Store, nowMs: number): Published
}

type Occurrence = { readonly atMs: number; readonly order: number } & (
  | { readonly kind: 'activity'; readonly record: ActivityRecord }
  | { readonly kind: 'alert'; readonly record: AlertRecord }
  | { readonly kind: 'update'; readonly id: string; readonly patch: Partial<AlertRecord> }
)

export function createTimeline(seed: number, options: TimelineOptions): Timeline {
  const life = new Life(createRandom(seed * 3 + 3), createGenerator(seed), options)
  return {
    publish: (store, nowMs) => {
      const counts = { activities: 0, alerts: 0, updates: 0 }
      for (const occurrence of life.until(nowMs)) {
        if (occurrence.kind === 'activity') {
          store.addActivity(occurrence.record)
          counts.activities += 1
        } else if (occurrence.kind === 'alert') {
          store.addAlert(occurrence.record)
          counts.alerts += 1
        } else if (store.updateAlert(occurrence.id, occurrence.patch)) {
          counts.updates += 1
        }
      }
      return counts
    },
  }
}

/** Draws happenings in the order of their time, and hands them out in the order of their saving. */
class Life {
  readonly #random: Random
  readonly #generator: Generator
  readonly #options: Required<TimelineOptions>
  #pending: Occurrence[] = []
  #order = 0
  #untilMs: number
  #nextActivityMs: number
  #nextAlertMs: number

  constructor(random: Random, generator: Generator, options: TimelineOptions) {
    this.#random = random
    this.#generator = generator
    this.#options = {
      activitiesPerMinute: 60,
      alertsPerHour: 12,
      lateShare: 0.03,
      lateMsMax: 8 * hourMs,
      bulkShare: 0.02,
      updateShare: 0.3,
      catchUpMsMax: 7 * 24 * hourMs,
      ...options,
    }
    this.#untilMs = options.startMs
    this.#nextActivityMs = options.startMs + this.#gapMs(minuteMs, this.#options.activitiesPerMinute)
    this.#nextAlertMs = options.startMs + this.#gapMs(hourMs, this.#options.alertsPerHour)
  }

  until(nowMs: number): readonly Occurrence[] {
    if (nowMs <= this.#untilMs) return []
    const beginMs = Math.max(this.#untilMs, nowMs - this.#options.catchUpMsMax)
    this.#nextActivityMs = Math.max(this.#nextActivityMs, beginMs)
    this.#nextAlertMs = Math.max(this.#nextAlertMs, beginMs)
    this.#untilMs = nowMs

    while (Math.min(this.#nextActivityMs, this.#nextAlertMs) <= nowMs) {
      if (this.#nextActivityMs <= this.#nextAlertMs) this.#happenActivity()
      else this.#happenAlert()
    }
    this.#pending.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    const split = this.#pending.findIndex((occurrence) => occurrence.atMs > nowMs)
    return this.#pending.splice(0, split === -1 ? this.#pending.length : split)
  }

  #happenActivity(): void {
    const timeMs = this.#nextActivityMs
    // A bulk operation (a folder deleted, a share synchronised) leaves many records on one millisecond.
    const count = this.#random.chance(this.#options.bulkShare) ? 2 + this.#random.integer(30) : 1
    const isLate = this.#random.chance(this.#options.lateShare)
    const delayMs = isLate
      ? 1 + this.#random.integer(this.#options.lateMsMax)
      : 2 * secondMs + this.#random.integer(20 * secondMs)
    for (let index = 0; index < count; index += 1) {
      const record = this.#generator.activity(timeMs, timeMs + delayMs)
      this.#pending.push({ kind: 'activity', atMs: timeMs + delayMs, order: this.#next(), record })
    }
    this.#nextActivityMs = timeMs + this.#gapMs(minuteMs, this.#options.activitiesPerMinute)
  }

  #happenAlert(): void {
    const timeMs = this.#nextAlertMs
    const record = this.#generator.alert(timeMs)
    // An alert is listed some time after the moment it is dated with: a reader without an overlap misses it.
    const shownMs = timeMs + secondMs + this.#random.integer(2 * minuteMs)
    this.#pending.push({ kind: 'alert', atMs: shownMs, order: this.#next(), record })
    if (this.#random.chance(this.#options.updateShare)) {
      const atMs = shownMs + minuteMs + this.#random.integer(hourMs)
      const patch = this.#drawPatch(atMs)
      this.#pending.push({ kind: 'update', atMs, order: this.#next(), id: record._id, patch })
    }
    this.#nextAlertMs = timeMs + this.#gapMs(hourMs, this.#options.alertsPerHour)
  }

  /** Somebody looks at the alert: reads it, closes it, or it is triggered once more and its time moves. */
  #drawPatch(atMs: number): Partial<AlertRecord> {
    const change = this.#random.integer(3)
    if (change === 0) return { statusValue: 1 }
    if (change === 1) return { timestamp: atMs }
    return {
      statusValue: 2,
      resolutionStatusValue: 3 + this.#random.integer(3),
      handledByUser: 'admin@contoso.com',
      resolveTime: new Date(atMs).toISOString(),
    }
  }

  /** Whole milliseconds, at least one, exponentially spread around the mean; for ever when nothing is to happen. */
  #gapMs(periodMs: number, count: number): number {
    if (count <= 0) return Number.POSITIVE_INFINITY
    const uniform = (this.#random.bits() + 1) / 2 ** 32
    return Math.max(1, Math.round((-Math.log(uniform) * periodMs) / count))
  }

  #next(): number {
    this.#order += 1
    return this.#order
  }
}
