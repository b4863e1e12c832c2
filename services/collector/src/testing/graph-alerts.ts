/** Graph alerts between the simulator and a real log: what the tests of this source share. */
import type { FaultOptions, GraphAlertRecord, SimulatorOptions } from '@siem-relay/simulator'
import { expect } from 'vitest'
import { Harness, oauth, startMs } from './harness.ts'

const hourMs = 3_600_000
export const always: FaultOptions = { route: 'graph-alerts', times: Number.POSITIVE_INFINITY }
export const once: FaultOptions = { route: 'graph-alerts' }

export const timeOf = (ms: number, digits = '0000'): string => `${new Date(ms).toISOString().slice(0, -1)}${digits}Z`

export const graphAlert = (id: string, ms: number, fields: Partial<GraphAlertRecord> = {}): GraphAlertRecord => ({
  id,
  title: 'Honeytoken activity',
  serviceSource: 'microsoftDefenderForIdentity',
  createdDateTime: timeOf(ms),
  lastUpdateDateTime: timeOf(ms),
  status: 'new',
  ...fields,
})

export const configOf = (harness: Harness, settings: object = {}) =>
  harness.config({
    type: 'graph-alerts',
    auth: { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl },
    ...settings,
  })

export const open = (simulator: SimulatorOptions = {}): Promise<Harness> => Harness.open({ simulator })

/** So many alerts of the last day, some of one tick. */
export async function filled(count: number, simulator: SimulatorOptions = {}): Promise<Harness> {
  const harness = await open(simulator)
  for (let n = 0; n < count; n++)
    harness.simulator.store.addGraphAlert(
      graphAlert(`aa-${n}`, startMs - 24 * hourMs + Math.floor(n / 3) * 5_000, { n }),
    )
  return harness
}

export async function expectEverythingOnce(harness: Harness, without: readonly string[] = []): Promise<void> {
  const given = harness.simulator.store.graphAlerts().map(({ id }) => id)
  const taken = await harness.rawIds('alerts')
  expect(taken).toEqual(given.filter((id) => !without.includes(id)).toSorted())
}

export const asked = (harness: Harness) => harness.simulator.requests.filter(({ route }) => route === 'graph-alerts')
