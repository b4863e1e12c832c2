/** A tenant for a walk through the portal: activities, and alerts half of which are of high severity. */
import { createGenerator } from '@siem-relay/simulator'
import { startFaultSource } from '../faults/source.ts'

export interface JourneySource extends AsyncDisposable {
  /** Ids of all records, in the order they were added. */
  readonly ids: readonly string[]
  /** Of these, alerts below high severity. */
  readonly mildAlerts: readonly string[]
  /** Adds activities, and an alert of each severity for every fourth. */
  add(activities: number): void
  /** The `sources:` entry for it. */
  readonly config: object
}

const severities = { low: 0, medium: 1, high: 2 } as const

export async function startJourneySource(seed: number): Promise<JourneySource> {
  const source = await startFaultSource(seed)
  const { store } = source.simulator
  const generator = createGenerator(seed)
  const ids: string[] = []
  const mildAlerts: string[] = []
  const addAlert = (severityValue: number): void => {
    const alert = { ...generator.alert(Date.now()), severityValue }
    store.addAlert(alert)
    ids.push(alert._id)
    if (severityValue < severities.high) mildAlerts.push(alert._id)
  }
  return {
    ids,
    mildAlerts,
    add: (activities) => {
      for (let index = 0; index < activities; index++) {
        const nowMs = Date.now()
        const activity = generator.activity(nowMs - 5_000, nowMs)
        store.addActivity(activity)
        ids.push(activity._id)
        if (index % 4 === 0) for (const severity of Object.values(severities)) addAlert(severity)
      }
    },
    config: source.config,
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}
