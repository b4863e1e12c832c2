/** What Prometheus sees of accounts. */
import type { DatabaseSync } from 'node:sqlite'
import { counter, gauge, type World } from '@siem-relay/service-kit'
import type { Access } from './access.ts'

const signInResults = ['succeeded', 'failed', 'throttled'] as const

export function accessMetrics(
  metrics: World['metrics'],
  { accounts, sessions }: Pick<Access, 'accounts' | 'sessions'>,
  /** Closed when the portal stops, while metrics are still asked for. */
  database: DatabaseSync,
): void {
  gauge(metrics, {
    name: 'siem_relay_portal_accounts',
    help: 'Accounts of the portal; 0 until the set-up link was used.',
    collect: (each) => {
      if (database.isOpen) each.set(accounts.count())
    },
  })
  gauge(metrics, {
    name: 'siem_relay_portal_sessions',
    help: 'Sessions of the portal that have not ended.',
    collect: (each) => {
      if (database.isOpen) each.set(sessions.count())
    },
  })
}

export function signInCounter(metrics: World['metrics']) {
  const signIns = counter(metrics, {
    name: 'siem_relay_portal_sign_ins_total',
    help: 'Attempts to sign in to the portal: succeeded, failed, throttled (told to wait).',
    labels: ['result'],
  })
  for (const result of signInResults) signIns.inc({ result }, 0)
  return signIns
}
