/** What the dashboard is asked for, kept in the address, so that a view can be sent to somebody. */
import type { Query } from '../lib/api.ts'
import type { Place } from '../lib/router.ts'

const dayMs = 86_400_000

export const periods = [
  { value: '1', label: 'Last day' },
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: '90', label: 'Last 90 days' },
] as const

export const tabs = [
  { key: 'dashboard', label: 'Dashboard' },
  { key: 'apps', label: 'Discovered apps' },
  { key: 'ip-addresses', label: 'IP addresses' },
  { key: 'users', label: 'Users' },
] as const
type Tab = (typeof tabs)[number]['key']

export interface DiscoveryView {
  readonly tab: Tab
  readonly days: string
  readonly stream: string
  readonly tenant: string
  readonly user: string
}

export function viewOf({ query }: Place): DiscoveryView {
  return {
    tab: tabs.find(({ key }) => key === query.get('tab'))?.key ?? 'dashboard',
    days: periods.find(({ value }) => value === query.get('days'))?.value ?? '30',
    stream: query.get('stream') ?? '',
    tenant: query.get('tenant') ?? '',
    user: query.get('user') ?? '',
  }
}

/** Whole hours, so that asking again within one asks for the same. */
export function queryOf({ days, stream, tenant, user }: DiscoveryView, nowMs: number): Query {
  const toMs = Math.ceil(nowMs / 3_600_000) * 3_600_000
  return { stream, tenant, user, fromMs: toMs - Number(days) * dayMs, toMs }
}
