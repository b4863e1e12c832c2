/** The alerts of Graph's alerts_v2 as the simulator holds them, newest first by when they were created. Bounded; at the bound the
 *  alert that arrived first goes. Queries live in alert-routes.ts. */

/** An alert as Graph serialises it (resource type `alert` of microsoft.graph.security); times have seven digits behind the second. */
export interface GraphAlertRecord {
  readonly id: string
  readonly createdDateTime?: string | null
  readonly lastUpdateDateTime?: string | null
  readonly [field: string]: unknown
}

export interface GraphAlertStore {
  /** Adds an alert, or replaces the one with the same id. Later changes of the object passed in are not seen. */
  addGraphAlert(record: GraphAlertRecord): void
  /**
   * Changes fields of an alert; lastUpdateDateTime becomes now, unless the patch says otherwise.
   * @returns false when there is no alert with that id.
   */
  updateGraphAlert(id: string, patch: Partial<GraphAlertRecord>): boolean
  /** All alerts, oldest arrival first, parsed anew on every call. */
  graphAlerts(): GraphAlertRecord[]
}

export interface GraphAlertEntry {
  readonly id: string
  /** Arrival; a changed alert stays where it was. */
  readonly order: number
  readonly created: string
  readonly json: Buffer
  readonly fields: GraphAlertRecord
}

export class GraphAlertShelf implements GraphAlertStore {
  readonly #recordsMax: number
  readonly #nowMs: () => number
  readonly #byId = new Map<string, GraphAlertEntry>()
  #newestFirst: readonly GraphAlertEntry[] | undefined
  #order = 0
  #updates = 0

  constructor(recordsMax: number, nowMs: () => number) {
    this.#recordsMax = recordsMax
    this.#nowMs = nowMs
  }

  addGraphAlert(record: GraphAlertRecord): void {
    const json = Buffer.from(JSON.stringify(record))
    this.#order += 1
    const order = this.#byId.get(record.id)?.order ?? this.#order
    const fields = JSON.parse(json.toString()) as GraphAlertRecord
    this.#byId.set(record.id, { id: record.id, order, created: record.createdDateTime ?? '', json, fields })
    const [first] = this.#byId.keys()
    if (this.#byId.size > this.#recordsMax && first !== undefined) this.#byId.delete(first)
    this.#newestFirst = undefined
  }

  updateGraphAlert(id: string, patch: Partial<GraphAlertRecord>): boolean {
    const entry = this.#byId.get(id)
    if (entry === undefined) return false
    // Two updates within a millisecond differ in the digits behind it.
    this.#updates = (this.#updates + 1) % 10_000
    const digits = String(this.#updates).padStart(4, '0')
    const lastUpdateDateTime = `${new Date(this.#nowMs()).toISOString().slice(0, -1)}${digits}Z`
    this.addGraphAlert({ ...entry.fields, lastUpdateDateTime, ...patch, id })
    return true
  }

  graphAlerts(): GraphAlertRecord[] {
    return Array.from(this.#byId.values(), (entry) => JSON.parse(entry.json.toString()) as GraphAlertRecord)
  }

  newestFirst(): readonly GraphAlertEntry[] {
    this.#newestFirst ??= [...this.#byId.values()].sort(compareNewestFirst)
    return this.#newestFirst
  }
}

type Place = Pick<GraphAlertEntry, 'created' | 'order'>

export function compareNewestFirst(a: Place, b: Place): number {
  if (a.created !== b.created) return a.created < b.created ? 1 : -1
  return b.order - a.order
}
