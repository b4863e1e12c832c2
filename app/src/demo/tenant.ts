/** The demo's tenant: the simulator with a life of its own. What has happened in it is told again after a restart, word for
 *  word, so that a relay that has read it repeats nothing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import { type Listen, listenError } from '@siem-relay/service-kit'
import { createScenario, createTimeline, type Simulator, sampleRecords, startSimulator } from '@siem-relay/simulator'

/** The tenant's API token. Everybody may know it: the records are invented. */
export const tenantToken = 'demo'.repeat(16)
/** Its application in Entra, for Graph. */
export const tenantApplication = { tenantId: 'contoso.example', clientId: 'siem-relay', clientSecret: tenantToken }

/** How much has already happened when the tenant is started for the first time. */
const pastMs = 10 * 60_000
/** Attacks go back further: they are rare. */
const attacksPastMs = 6 * 3_600_000
const tickMs = 1_000

export interface TenantOptions {
  /** Keeps when the tenant's life began. */
  readonly directory: string
  readonly nowMs: () => number
  /** Default: a free port of this machine. */
  readonly listen?: Listen
}

export interface Tenant extends AsyncDisposable {
  /** Where the API answers. */
  readonly url: string
  readonly tokenUrl: string
  /** When its life began. */
  readonly startMs: number
}

/** @throws {RelayError} `RELAY_LISTEN_FAILED` when the address cannot be taken. */
export async function startTenant({ directory, nowMs, listen }: TenantOptions): Promise<Tenant> {
  makeDirectory(directory, 0o700)
  const startMs = startOf(directory, nowMs)
  const simulator = await startSimulator({
    legacyToken: tenantToken,
    oauth: tenantApplication,
    nowMs,
    ...listen,
  }).catch((error: unknown) => {
    throw listen === undefined ? error : listenError(listen, error)
  })
  const stopLife = live(simulator, startMs, nowMs)
  return {
    url: simulator.url,
    tokenUrl: simulator.tokenUrl,
    startMs,
    [Symbol.asyncDispose]: async () => {
      stopLife()
      await simulator.close()
    },
  }
}

/** Fills the simulator and lets its tenant live on; the returned function stops that. */
function live(simulator: Simulator, startMs: number, nowMs: () => number): () => void {
  const { activities, alerts } = sampleRecords()
  for (const record of activities) simulator.store.addActivity(record)
  for (const record of alerts) simulator.store.addAlert(record)
  const timeline = createTimeline(1, { startMs, activitiesPerMinute: 20 })
  const attacks = attacksOf(simulator, startMs)
  const tick = (): void => {
    timeline.publish(simulator.store, nowMs())
    attacks(nowMs())
  }
  tick()
  const timer = setInterval(tick, tickMs)
  return () => clearInterval(timer)
}

/** Attacks that Defender for Identity and Defender for Cloud Apps both report, and some that one of them has alone. */
function attacksOf(simulator: Simulator, startMs: number): (untilMs: number) => void {
  const records = createScenario(1, {
    startMs: startMs - attacksPastMs,
    pairs: 2_000,
    nearMisses: 200,
    singles: 1_000,
    updates: 200,
    others: 0,
  })
  let next = 0
  return (untilMs) => {
    for (; (records[next]?.publishedMs ?? Number.POSITIVE_INFINITY) <= untilMs; next++) {
      const { api, body, id } = records[next] as (typeof records)[number]
      if (api === 'graph') simulator.store.addGraphAlert({ ...body, id })
      else simulator.store.addAlert({ ...body, _id: id, timestamp: Number(body.timestamp) })
    }
  }
}

/** When the tenant's life began. */
function startOf(directory: string, nowMs: () => number): number {
  const path = join(directory, 'demo.json')
  try {
    const { startMs } = JSON.parse(readFileSync(path, 'utf8')) as { startMs?: unknown }
    if (typeof startMs === 'number') return startMs
  } catch {
    // The first start, or a file somebody damaged: the story begins now.
  }
  const startMs = nowMs() - pastMs
  writeFileSync(path, JSON.stringify({ startMs }))
  return startMs
}
