/** Shadow IT: what the Cloud Discovery dashboard shows. `GET /discovery/…?tenant&stream&fromMs&toMs&user`; the portal's own read model,
 *  made of `raw.<tenant>.discovery`. `GET /discovery/apps.csv`, `/users.csv` and `/ip-addresses.csv` download a list: whole, as it is
 *  at that moment, formulas neutralised. Sums are of whole days in UTC: those that begin
 *  within the time, at least its last. */
import { z } from 'zod'
import { timeMs } from './common.ts'

export const discoveryQuerySchema = z.object({
  tenant: z.string().max(64).optional(),
  stream: z.string().max(256).optional(),
  /** As lists of users name them. */
  user: z.string().max(256).optional(),
  /** Default: the last 30 days. */
  fromMs: z.coerce.number().int().min(0).optional(),
  toMs: z.coerce.number().int().min(0).optional(),
  tag: z.enum(['sanctioned', 'unsanctioned', 'other']).optional(),
  category: z.string().max(256).optional(),
  search: z.string().max(200).optional(),
  sort: z
    .enum(['traffic', 'uploaded', 'downloaded', 'users', 'events', 'score', 'name', 'lastSeen'])
    .default('traffic'),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

const traffic = {
  totalBytes: z.number(),
  uploadedBytes: z.number(),
  downloadedBytes: z.number(),
  events: z.number(),
  blockedEvents: z.number(),
}

/** `GET /discovery/summary`. Scores go from 0 to 10, 10 is the safest: high risk 0–3, medium 4–7, low 8–10. */
export const discoverySummarySchema = z.object({
  /** Time of the newest row; absent without any. */
  updatedMs: timeMs.optional(),
  streams: z.array(z.string()),
  tenants: z.array(z.string()),
  apps: z.int(),
  users: z.int(),
  ipAddresses: z.int(),
  ...traffic,
  categories: z.array(
    z.object({
      name: z.string(),
      apps: z.int(),
      users: z.int(),
      ...traffic,
      sanctionedBytes: z.number(),
      unsanctionedBytes: z.number(),
    }),
  ),
  risk: z.array(
    z.object({ level: z.enum(['high', 'medium', 'low', 'unknown']), apps: z.int(), totalBytes: z.number() }),
  ),
  scores: z.array(z.object({ score: z.int(), apps: z.int() })),
  tags: z.array(z.object({ tag: z.string(), apps: z.int() })),
})
/** `GET /discovery/apps` answers `{ apps, total }`. An app stands once for each tenant: its tags and score are the tenant's own. */
export const discoveredAppSchema = z.object({
  /** Its number at Microsoft; its name where no number is known. */
  appId: z.string(),
  tenant: z.string(),
  name: z.string(),
  category: z.string(),
  tags: z.array(z.string()),
  score: z.number().optional(),
  users: z.int(),
  ipAddresses: z.int(),
  firstSeenMs: timeMs,
  lastSeenMs: timeMs,
  ...traffic,
})
/** `GET /discovery/users` and `/discovery/ip-addresses` answer `{ entities, total }`. */
export const discoveredEntitySchema = z.object({ name: z.string(), apps: z.int(), lastSeenMs: timeMs, ...traffic })
/** `GET /discovery/usage`: distinct users and bytes of the busiest apps by day. */
export const discoveryUsageSchema = z.object({
  days: z.array(timeMs),
  apps: z.array(z.object({ name: z.string(), users: z.array(z.int()), totalBytes: z.array(z.number()) })),
  totalBytes: z.array(z.number()),
})

export type DiscoverySummary = z.output<typeof discoverySummarySchema>
export type DiscoveredApp = z.output<typeof discoveredAppSchema>
export type DiscoveredEntity = z.output<typeof discoveredEntitySchema>
export type DiscoveryUsage = z.output<typeof discoveryUsageSchema>
