/** Cloud Discovery of one stream between the simulator and a real embedded log, for the tests of its source. */
import type { BusRecord } from '@siem-relay/bus'
import { type DiscoveryRow, readDiscoveryRow } from '@siem-relay/common'
import type { DiscoveryTraffic } from '@siem-relay/simulator'
import { expect } from 'vitest'
import { Harness, type HarnessOptions, oauth } from './harness.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
const marketing = { id: 's1', displayName: 'Marketing Department' }
export const oneDrive = { id: '15600', displayName: 'Microsoft OneDrive for Business' }
export const slack = { id: '11161', displayName: 'Slack' }
export const always = { route: 'graph-discovery', times: Number.POSITIVE_INFINITY } as const

/** A harness whose simulator has one stream; tokens live for the whole test. */
export async function opened(options: HarnessOptions = {}): Promise<Harness> {
  const harness = await Harness.open({
    ...options,
    simulator: { oauth: { ...oauth, tokenLifetimeSeconds: 10_000_000 }, ...options.simulator },
  })
  harness.simulator.discovery.addStream(marketing)
  return harness
}

export function configOf(harness: Harness, settings: Readonly<Record<string, unknown>> = {}) {
  const auth = { type: 'oauth', ...oauth, tokenUrl: harness.simulator.tokenUrl }
  return harness.config({ type: 'graph-discovery', auth, ...settings })
}

export const use = (harness: Harness, traffic: DiscoveryTraffic = {}, app: { readonly id: string } = oneDrive): void =>
  harness.simulator.discovery.addTraffic('s1', app, traffic)

export async function rows(harness: Harness): Promise<readonly DiscoveryRow[]> {
  return (await harness.raw('discovery')).map(rowOf)
}

function rowOf(record: BusRecord): DiscoveryRow {
  const reading = readDiscoveryRow(JSON.parse(record.value.toString()))
  if ('problems' in reading) throw new Error(reading.problems.join('; '))
  expect(reading.recordId).toBe(record.key)
  return reading.row
}

export type Sum = 'TotalEvents' | 'UploadedBytes' | 'DownloadedBytes'
export const sumOf = (all: readonly DiscoveryRow[], column: Sum): number =>
  all.reduce((sum, row) => sum + (row[column] ?? 0), 0)
export const usersOf = (all: readonly DiscoveryRow[]): readonly string[] =>
  all.flatMap(({ UserName }) => UserName ?? []).sort()
export const asked = (harness: Harness, part: string): number =>
  harness.simulator.requests.filter(({ route, path }) => route === 'graph-discovery' && path.includes(part)).length
