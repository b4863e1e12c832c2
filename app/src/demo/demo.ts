/** The demo: the simulator as the source and a console agent, so that the relay shows itself without any account. Everything
 *  between the two is the real thing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import { createTimeline, type Simulator, sampleRecords, startSimulator } from '@siem-relay/simulator'
import { type RelayConfig, relayConfigSchema } from '../config/schema.ts'

const legacyToken = 'demo'.repeat(16)
/** How much has already happened in the demo's tenant when it is started for the first time. */
const pastMs = 10 * 60_000
const tickMs = 1_000

export interface Demo extends AsyncDisposable {
  readonly config: RelayConfig
}

export interface DemoOptions {
  /** Directory of the demo's log; its tenant's life goes on there at the next start. */
  readonly directory: string
  readonly adminListen?: string
  readonly nowMs: () => number
}

export async function startDemo({ directory, adminListen, nowMs }: DemoOptions): Promise<Demo> {
  makeDirectory(directory, 0o700)
  const simulator = await startSimulator({ legacyToken, nowMs })
  const stopLife = live(simulator, startOf(directory, nowMs), nowMs)
  return {
    config: relayConfigSchema.parse(demoConfig(simulator.url, directory, adminListen)),
    [Symbol.asyncDispose]: async () => {
      stopLife()
      await simulator.close()
    },
  }
}

function demoConfig(url: string, directory: string, adminListen: string | undefined): unknown {
  return {
    bus: { path: directory, freeBytesMin: 67_108_864 },
    sources: [
      {
        id: 'demo',
        type: 'defender-for-cloud-apps',
        url,
        portalUrl: 'https://contoso.portal.cloudappsecurity.com',
        auth: { type: 'token', token: legacyToken },
        // Far enough for the specification's samples of 2017.
        lookback: 'P11000D',
        pollSeconds: 10,
      },
    ],
    agents: [
      {
        id: 'console',
        name: 'Console',
        console: true,
        // As in the specification's samples: no PRI, no system name.
        header: { pri: false, systemName: false },
      },
    ],
    log: { level: 'warn' },
    ...(adminListen === undefined ? {} : { admin: { listen: adminListen } }),
  }
}

/** Fills the simulator and lets its tenant live on; the returned function stops that. */
function live(simulator: Simulator, startMs: number, nowMs: () => number): () => void {
  const { activities, alerts } = sampleRecords()
  for (const record of activities) simulator.store.addActivity(record)
  for (const record of alerts) simulator.store.addAlert(record)
  const timeline = createTimeline(1, { startMs, activitiesPerMinute: 20 })
  timeline.publish(simulator.store, nowMs())
  const timer = setInterval(() => timeline.publish(simulator.store, nowMs()), tickMs)
  return () => clearInterval(timer)
}

/** When the tenant's life began: kept beside the log, so that a later start tells the same story and repeats nothing. */
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
