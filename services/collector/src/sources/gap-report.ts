/** What is told of gaps, whatever the source: log lines and counts as they come and go, gauges of what there is. Decides nothing. */
import type { RawKind } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { CollectorMetrics } from '../metrics.ts'
import type { Gap, GapChange } from './gaps.ts'

interface StreamLabels {
  readonly source: string
  readonly kind: RawKind
}

const messages = {
  opened: 'records of this time may be missing; it is read again',
  whole: 'this time is whole again',
  unverifiable: 'records of this time may be missing, and it cannot be read again',
} as const

/** How states are counted: what is being read is still open. */
const countedStates = ['open', 'unverifiable'] as const

export function tellGaps(
  { log }: Pick<World, 'log'>,
  metrics: CollectorMetrics,
  labels: StreamLabels,
  changes: readonly GapChange[],
): void {
  for (const { type, gap } of changes) {
    metrics.gapChanges.inc({ ...labels, change: type })
    const from = new Date(gap.fromMs).toISOString()
    const to = new Date(gap.toMs).toISOString()
    log[type === 'whole' ? 'info' : 'warn']({ ...labels, from, to, reason: gap.reason }, messages[type])
  }
}

export function setGapGauges(metrics: CollectorMetrics, labels: StreamLabels, gaps: readonly Gap[]): void {
  for (const state of countedStates) {
    const counted = gaps.filter((gap) => (gap.state === 'unverifiable') === (state === 'unverifiable'))
    const ms = counted.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
    metrics.gaps.set({ ...labels, state }, counted.length)
    metrics.incompleteSeconds.set({ ...labels, state }, ms / 1_000)
  }
}

/** Another instance may have the source now, whose gauges are those that count. */
export function removeGapGauges(metrics: CollectorMetrics, labels: StreamLabels): void {
  for (const state of countedStates) {
    metrics.gaps.remove({ ...labels, state })
    metrics.incompleteSeconds.remove({ ...labels, state })
  }
}
