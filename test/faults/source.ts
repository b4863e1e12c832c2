/** A tenant for fault runs: the simulator with no budget, and records with consecutive numbers. */
import { createGenerator, type Simulator, startSimulator } from '@siem-relay/simulator'

const legacyToken = 'f'.repeat(64)

export interface FaultSource extends AsyncDisposable {
  readonly simulator: Simulator
  /** Ids of everything added so far. */
  readonly ids: readonly string[]
  /** Adds activities, and an alert for every tenth: all as of now, or one every 10 ms from `fromMs` on. */
  add(count: number, fromMs?: number): void
  /** The `sources:` entry for it. */
  readonly config: object
}

export async function startFaultSource(seed: number): Promise<FaultSource> {
  const simulator = await startSimulator({
    legacyToken,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    recordsMax: 2_000_000,
  })
  const generator = createGenerator(seed)
  const ids: string[] = []
  return {
    simulator,
    ids,
    add: (count, fromMs) => {
      const startMs = Date.now()
      for (let index = 0; index < count; index++) {
        const nowMs = fromMs === undefined ? startMs : fromMs + index * 10
        const record = generator.activity(nowMs - 5_000, nowMs)
        simulator.store.addActivity(record)
        ids.push(record._id)
        if (index % 10 !== 0) continue
        const alert = generator.alert(nowMs)
        simulator.store.addAlert(alert)
        ids.push(alert._id)
      }
    },
    config: {
      id: 'contoso',
      type: 'defender-for-cloud-apps',
      url: simulator.url,
      auth: { type: 'token', token: legacyToken },
      requestsPerMinute: 100_000,
      pollSeconds: 1,
      scanLimit: 1_000,
    },
    [Symbol.asyncDispose]: () => simulator.close(),
  }
}
