/** What the read models count of themselves. */
import { counter, durationBuckets, gauge, histogram, type World } from '@siem-relay/service-kit'
import { type Counts, outcomes } from './model.ts'

const viewNames = ['discovery', 'duplicates'] as const
type ViewName = (typeof viewNames)[number]
const questions = ['summary', 'apps', 'users', 'ipAddresses', 'usage', 'duplicates', 'export'] as const
export type Question = (typeof questions)[number]

export interface ViewsMetrics {
  readonly read: (view: ViewName, counts: Counts) => void
  readonly kept: (rows: { readonly discoveryRows: number; readonly duplicates: number }) => void
  readonly answered: (question: Question, seconds: number) => void
}

export function viewsMetrics(registry: World['metrics']): ViewsMetrics {
  const records = counter(registry, {
    name: 'siem_relay_portal_view_records_total',
    help: 'Records the views of the portal read, by view and what became of them: counted, repeated (counted before), unreadable, old, other.',
    labels: ['view', 'result'],
  })
  const rows = gauge(registry, {
    name: 'siem_relay_portal_view_rows',
    help: 'Rows in the views of the portal, looked at every hour.',
    labels: ['view'],
  })
  const seconds = histogram(registry, {
    name: 'siem_relay_portal_view_answer_seconds',
    help: 'How long answers from the views took, waiting included.',
    labels: ['question'],
    buckets: durationBuckets,
  })
  for (const view of viewNames) for (const result of outcomes) records.labels(view, result).inc(0)
  for (const question of questions) seconds.zero({ question })
  return {
    read(view, counts) {
      for (const result of outcomes) if (counts[result] > 0) records.labels(view, result).inc(counts[result])
    },
    kept({ discoveryRows, duplicates }) {
      rows.labels('discovery').set(discoveryRows)
      rows.labels('duplicates').set(duplicates)
    },
    answered: (question, took) => seconds.labels(question).observe(took),
  }
}
