/** What the simulated tenant holds: alerts and activities, each kept as the JSON the wire needs plus the values every
 *  query compares. Other fields are parsed when a filter asks for them: a million records must fit.
 *  Bounded per kind; at the bound the record that arrived first goes. Queries live in `listing.ts`. */

import type { ActivityRecord, AlertRecord, RecordKind } from '../data/records.ts'
import { type Entry, parseEntry, TimeIndex, type TimeKey } from './time-index.ts'

export interface Store {
  /** Adds a record, or replaces the one with the same `_id`. Later changes of the object passed in are not seen. */
  addAlert(record: AlertRecord): void
  addActivity(record: ActivityRecord): void
  /** Changes fields of an alert. @returns false when there is no alert with that id. */
  updateAlert(id: string, patch: Partial<AlertRecord>): boolean
  readonly counts: Readonly<Record<RecordKind, number>>
  /** All records, oldest arrival first, parsed anew on every call. */
  all(kind: 'alerts'): AlertRecord[]
  all(kind: 'activities'): ActivityRecord[]
}

/** The records of one kind, as the listing reads them. */
export class Shelf {
  readonly #byId = new Map<string, Entry>()
  readonly #recordsMax: number
  readonly #indexes: Readonly<Record<TimeKey, TimeIndex>> = {
    dateMs: new TimeIndex('dateMs'),
    createdMs: new TimeIndex('createdMs'),
  }
  #order = 0

  constructor(recordsMax: number) {
    this.#recordsMax = recordsMax
  }

  get count(): number {
    return this.#byId.size
  }

  put(record: AlertRecord | ActivityRecord): void {
    const createdMs = typeof record.created === 'number' ? record.created : record.timestamp
    const before = this.#byId.get(record._id)
    const entry: Entry = {
      id: record._id,
      // A changed record stays where it was, among equal times and at the bound.
      order: before?.order ?? this.#nextOrder(),
      dateMs: Number(record.timestamp) || 0,
      createdMs: Number(createdMs) || 0,
      json: Buffer.from(JSON.stringify(record)),
      isGone: false,
    }
    this.#byId.set(record._id, entry)
    this.#indexes.dateMs.add(entry)
    this.#indexes.createdMs.add(entry)
    if (before !== undefined) this.#retire(before)
    while (this.#byId.size > this.#recordsMax) this.#dropFirst()
  }

  find(id: string): Entry | undefined {
    return this.#byId.get(id)
  }

  index(key: TimeKey): TimeIndex {
    return this.#indexes[key]
  }

  entries(): Iterable<Entry> {
    return this.#byId.values()
  }

  #dropFirst(): void {
    for (const [id, entry] of this.#byId) {
      this.#byId.delete(id)
      this.#retire(entry)
      return
    }
  }

  #retire(entry: Entry): void {
    entry.isGone = true
    this.#indexes.dateMs.noteGone()
    this.#indexes.createdMs.noteGone()
  }

  #nextOrder(): number {
    this.#order += 1
    return this.#order
  }
}

export interface Shelves {
  readonly alerts: Shelf
  readonly activities: Shelf
}

export function createShelves(recordsMax: number): Shelves {
  return { alerts: new Shelf(recordsMax), activities: new Shelf(recordsMax) }
}

/** The store as tests, the demo and the benchmark see it, over the shelves the routes read. */
export function createStore(shelves: Shelves): Store {
  function all(kind: 'alerts'): AlertRecord[]
  function all(kind: 'activities'): ActivityRecord[]
  function all(kind: RecordKind): unknown[] {
    return Array.from(shelves[kind].entries(), parseEntry<unknown>)
  }
  return {
    addAlert: (record) => shelves.alerts.put(record),
    addActivity: (record) => shelves.activities.put(record),
    updateAlert: (id, patch) => {
      const entry = shelves.alerts.find(id)
      if (entry === undefined) return false
      shelves.alerts.put({ ...parseEntry<AlertRecord>(entry), ...patch, _id: id })
      return true
    },
    get counts() {
      return { alerts: shelves.alerts.count, activities: shelves.activities.count }
    },
    all,
  }
}
