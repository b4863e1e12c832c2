/** The benchmark's records: generated alerts and activities as bytes, the same on every run. */

import type { EventKind } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'

export function benchRecords(kind: EventKind, count: number): readonly Buffer[] {
  const generator = createGenerator(7)
  const startMs = 1_767_225_600_000
  return Array.from({ length: count }, (_, index) => {
    const timeMs = startMs + index * 10
    return Buffer.from(JSON.stringify(kind === 'alert' ? generator.alert(timeMs) : generator.activity(timeMs)))
  })
}

export function meanBytes(records: readonly Buffer[]): number {
  return Math.round(records.reduce((sum, record) => sum + record.length, 0) / records.length)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
