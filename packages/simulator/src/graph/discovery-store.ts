/** What Cloud Discovery has seen, traffic by traffic, and its aggregates over the days before now: they slide by themselves as
 *  the service's clock goes on. What a request for them looks like is in discovery-routes.ts. */

/** A stream as Graph lists it; fields beside `id` go out as they are. */
export interface DiscoveryStream {
  readonly id: string
  readonly displayName?: string | null
  readonly [field: string]: unknown
}

/** Who an app is. Fields beside `id` go out as they are, also in place of a count: `transactionCount: null` hides it. */
export interface DiscoveryApp {
  readonly id: string
  readonly [field: string]: unknown
}

/** One thing that happened; what is not said is 0 or nobody. */
export interface DiscoveryTraffic {
  /** Default: now. */
  readonly atMs?: number
  /** Default 1. */
  readonly transactions?: number
  readonly uploadedBytes?: number
  readonly downloadedBytes?: number
  readonly user?: string
  readonly ipAddress?: string
}

export interface DiscoveryStore {
  /** Adds a stream, or gives it other fields. */
  addStream(stream: DiscoveryStream): void
  removeStream(streamId: string): void
  /** Adds traffic to an app, which gets these fields. @throws {RangeError} for an unknown stream. */
  addTraffic(streamId: string, app: DiscoveryApp, traffic?: DiscoveryTraffic): void
  /** An app's traffic is gone from its stream, as if it had never been. */
  removeApp(streamId: string, appId: string): void
}

type Traffic = Required<Omit<DiscoveryTraffic, 'user' | 'ipAddress'>> & Pick<DiscoveryTraffic, 'user' | 'ipAddress'>

interface UsedApp {
  fields: DiscoveryApp
  readonly traffic: Traffic[]
}

interface Shelf {
  fields: DiscoveryStream
  readonly apps: Map<string, UsedApp>
}

const dayMs = 86_400_000
/** No request reaches back further; older traffic is forgotten. */
const longestMs = 90 * dayMs

export class DiscoveryShelves implements DiscoveryStore {
  readonly #nowMs: () => number
  readonly #streams = new Map<string, Shelf>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  addStream(fields: DiscoveryStream): void {
    const shelf = this.#streams.get(fields.id)
    if (shelf === undefined) this.#streams.set(fields.id, { fields, apps: new Map() })
    else shelf.fields = fields
  }

  removeStream(streamId: string): void {
    this.#streams.delete(streamId)
  }

  addTraffic(streamId: string, fields: DiscoveryApp, traffic: DiscoveryTraffic = {}): void {
    const shelf = this.#streams.get(streamId)
    if (shelf === undefined) throw new RangeError(`no stream ${streamId}: add it with addStream first`)
    const app = shelf.apps.get(fields.id) ?? { fields, traffic: [] }
    app.fields = fields
    app.traffic.push({ atMs: this.#nowMs(), transactions: 1, uploadedBytes: 0, downloadedBytes: 0, ...traffic })
    shelf.apps.set(fields.id, app)
  }

  removeApp(streamId: string, appId: string): void {
    this.#streams.get(streamId)?.apps.delete(appId)
  }

  streams(): readonly DiscoveryStream[] {
    return Array.from(this.#streams.values(), ({ fields }) => fields)
  }

  has(streamId: string): boolean {
    return this.#streams.has(streamId)
  }

  /** The apps used in the last so many days, each with its sums over them. */
  apps(streamId: string, days: number): readonly DiscoveryApp[] {
    return Array.from(this.#streams.get(streamId)?.apps.values() ?? [], (app) => this.#aggregate(app, days)).filter(
      (app) => app !== undefined,
    )
  }

  /** Who used the app in the last so many days; undefined when nobody did. */
  names(streamId: string, appId: string, days: number, of: 'user' | 'ipAddress'): readonly string[] | undefined {
    const app = this.#streams.get(streamId)?.apps.get(appId)
    const seen = app === undefined ? [] : this.#within(app, days)
    return seen.length === 0 ? undefined : namesOf(seen, of)
  }

  #aggregate(app: UsedApp, days: number): DiscoveryApp | undefined {
    const seen = this.#within(app, days)
    if (seen.length === 0) return undefined
    const sum = (of: (traffic: Traffic) => number): number => seen.reduce((total, traffic) => total + of(traffic), 0)
    return {
      '@odata.type': '#microsoft.graph.security.discoveredCloudAppDetail',
      displayName: `App ${app.fields.id}`,
      category: 'cloudStorage',
      domains: [],
      riskScore: 5,
      tags: [],
      uploadNetworkTrafficInBytes: sum((traffic) => traffic.uploadedBytes),
      downloadNetworkTrafficInBytes: sum((traffic) => traffic.downloadedBytes),
      transactionCount: sum((traffic) => traffic.transactions),
      userCount: namesOf(seen, 'user').length,
      ipAddressCount: namesOf(seen, 'ipAddress').length,
      lastSeenDateTime: new Date(seen.reduce((latest, { atMs }) => Math.max(latest, atMs), 0)).toISOString(),
      ...app.fields,
    }
  }

  #within(app: UsedApp, days: number): readonly Traffic[] {
    const nowMs = this.#nowMs()
    const kept = app.traffic.filter(({ atMs }) => atMs > nowMs - longestMs)
    if (kept.length < app.traffic.length) app.traffic.splice(0, Infinity, ...kept)
    return kept.filter(({ atMs }) => atMs > nowMs - days * dayMs && atMs <= nowMs)
  }
}

function namesOf(traffic: readonly Traffic[], of: 'user' | 'ipAddress'): readonly string[] {
  return Array.from(new Set(traffic.flatMap((each) => each[of] ?? [])))
}
