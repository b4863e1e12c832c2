/** A tenant with something for every page of the portal: activities, alerts, attacks both products report, Cloud Discovery. Two
 *  relays may read it at once. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGenerator, createScenario, startSimulator } from '@siem-relay/simulator'

const legacyToken = 'f'.repeat(64)
const application = { tenantId: 'contoso', clientId: 'siem-relay', clientSecret: 'secret-of-contoso' }
const pairs = 6
const hourMs = 3_600_000

export interface Tenant extends AsyncDisposable {
  /** Ids of what was added so far. */
  readonly activities: readonly string[]
  readonly alerts: readonly string[]
  /** The two ids of each attack that both products reported. */
  readonly twins: readonly (readonly string[])[]
  addActivities(count: number): void
  addAlerts(count: number): void
  /** Attacks, in both products' words. */
  addTwins(count: number): void
  /** The `sources:` of a relay. @param inbox where its discovery rows are. */
  sources(inbox: string): readonly object[]
  /** Discovery rows that were handed in. */
  readonly rows: readonly DiscoveryRow[]
  /** Hands in a file of them. */
  addRows(inbox: string): void
}

type DiscoveryRow = ReturnType<ReturnType<typeof createGenerator>['discovery']>

/** @param startMs the same seed and time give the same records, but for the times of those that come in live. */
export async function startTenant(seed: number, startMs: number): Promise<Tenant> {
  const simulator = await startSimulator({
    legacyToken,
    oauth: application,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    graphRequestsPerMinute: Number.POSITIVE_INFINITY,
  })
  const { store } = simulator
  const generator = createGenerator(seed)
  const none = { nearMisses: 0, singles: 0, updates: 0, others: 0 }
  const scenario = createScenario(seed, { startMs: startMs - 4 * hourMs, pairs, ...none })
  const attacks = [...new Set(scenario.map(({ attack }) => attack))]
  const activities: string[] = []
  const alerts: string[] = []
  const twins: (readonly string[])[] = []
  const rows: DiscoveryRow[] = []
  return {
    activities,
    alerts,
    twins,
    rows,
    addActivities(count) {
      for (let n = 0; n < count; n++) {
        const activity = generator.activity(Date.now() - 5_000, Date.now())
        store.addActivity(activity)
        activities.push(activity._id)
      }
    },
    addAlerts(count) {
      for (let n = 0; n < count; n++) {
        const alert = generator.alert(Date.now())
        store.addAlert(alert)
        alerts.push(alert._id)
      }
    },
    addTwins(count) {
      for (const attack of attacks.splice(0, count)) {
        const copies = scenario.filter((one) => one.attack === attack)
        twins.push(copies.map(({ id }) => id))
        const now = new Date()
        // As of now: sources have passed what lies further back.
        const times = { createdDateTime: now.toISOString(), lastUpdateDateTime: now.toISOString() }
        for (const { api, id, body } of copies)
          if (api === 'graph') store.addGraphAlert({ ...body, ...times, id })
          else store.addAlert({ ...body, _id: id, timestamp: now.getTime() } as never)
      }
    },
    sources: (inbox) => [
      {
        id: 'contoso-mda',
        tenant: 'contoso',
        type: 'defender-for-cloud-apps',
        url: simulator.url,
        portalUrl: 'https://contoso.portal.cloudappsecurity.com',
        auth: { type: 'token', token: legacyToken },
        requestsPerMinute: 100_000,
        pollSeconds: 1,
      },
      {
        id: 'contoso-identity',
        tenant: 'contoso',
        type: 'graph-alerts',
        url: simulator.url,
        auth: { type: 'oauth', ...application, tokenUrl: simulator.tokenUrl },
        requestsPerMinute: 100_000,
        pollSeconds: 1,
      },
      {
        id: 'contoso-discovery',
        tenant: 'contoso',
        type: 'discovery-intake',
        directory: { path: inbox, pollInterval: 'PT0.2S' },
      },
    ],
    addRows(inbox) {
      const added = Array.from({ length: 30 }, (_, n) => generator.discovery(startMs - (rows.length + n) * hourMs))
      const path = join(inbox, `rows-${rows.length}.ndjson`)
      rows.push(...added)
      writeFileSync(`${path}.tmp`, added.map((row) => `${JSON.stringify(row)}\n`).join(''))
      renameSync(`${path}.tmp`, path)
    },
    [Symbol.asyncDispose]: () => simulator.close(),
  }
}
