/** What Prometheus sees of the configuration's changes. */
import { counter, gauge, type World } from '@siem-relay/service-kit'

export interface ReloadMetrics {
  readonly applied: () => void
  /** The changed configuration is not in force. */
  readonly refused: () => void
  /** The file says what is in force. */
  readonly unchanged: () => void
}

export function createReloadMetrics(metrics: World['metrics']): ReloadMetrics {
  const failed = gauge(metrics, {
    name: 'siem_relay_config_reload_failed',
    help: '1 while the configuration on disk could not be taken up and the one before stays in force.',
  })
  const reloads = counter(metrics, {
    name: 'siem_relay_config_reloads_total',
    help: 'Changed configurations by what became of them: applied, refused.',
    labels: ['result'],
  })
  for (const result of ['applied', 'refused']) reloads.inc({ result }, 0)
  return {
    applied: () => {
      failed.set(0)
      reloads.inc({ result: 'applied' })
    },
    refused: () => {
      failed.set(1)
      reloads.inc({ result: 'refused' })
    },
    unchanged: () => failed.set(0),
  }
}
