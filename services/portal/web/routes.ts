/** Every page by its path; each is loaded when it is first opened. */
import type { ComponentType } from 'preact'
import type { IconName } from './components/icons.ts'

export type Params = Readonly<Record<string, string>>
export type PageComponent = ComponentType<{ readonly params: Params }>

interface Route {
  /** `:name` takes one part of the path, `*` all that follows. */
  readonly path: string
  readonly load: () => Promise<PageComponent>
}

const routes: readonly Route[] = [
  { path: '/agents', load: async () => (await import('./pages/agents.ts')).AgentsPage },
  { path: '/agents/new/syslog', load: async () => (await import('./pages/syslog-wizard.ts')).NewSyslogAgent },
  { path: '/agents/new/sentinel', load: async () => (await import('./pages/sentinel-wizard.ts')).NewSentinelAgent },
  { path: '/agents/:id/edit', load: async () => (await import('./pages/edit-agent.ts')).EditAgent },
  { path: '/agents/:id/preview', load: async () => (await import('./pages/preview.ts')).PreviewPage },
  { path: '/activity', load: async () => (await import('./pages/activity.ts')).ActivityPage },
  { path: '/replay', load: async () => (await import('./pages/replay.ts')).ReplayPage },
  { path: '/dead-letters', load: async () => (await import('./pages/dead-letters.ts')).DeadLettersPage },
  { path: '/duplicates', load: async () => (await import('./pages/duplicates.ts')).DuplicatesPage },
  { path: '/sources', load: async () => (await import('./pages/sources.ts')).SourcesPage },
  { path: '/discovery', load: async () => (await import('./pages/discovery.ts')).DiscoveryPage },
  { path: '/admins', load: async () => (await import('./pages/admins.ts')).AdminsPage },
  { path: '/audit', load: async () => (await import('./pages/audit.ts')).AuditPage },
  { path: '/help/*', load: async () => (await import('./pages/docs.ts')).DocsPage },
  { path: '/password', load: async () => (await import('./pages/password.ts')).PasswordPage },
]

interface NavGroup {
  readonly label: string
  readonly items: readonly { readonly path: string; readonly label: string; readonly icon: IconName }[]
}

export const navigation: readonly NavGroup[] = [
  {
    label: 'Integrations',
    items: [
      { path: '/agents', label: 'SIEM agents', icon: 'agents' },
      { path: '/sources', label: 'Sources', icon: 'sources' },
    ],
  },
  {
    label: 'Records',
    items: [
      { path: '/activity', label: 'Activity', icon: 'activity' },
      { path: '/replay', label: 'Replay', icon: 'replay' },
      { path: '/dead-letters', label: 'Dead letters', icon: 'letters' },
      { path: '/duplicates', label: 'Duplicates', icon: 'twins' },
    ],
  },
  { label: 'Insight', items: [{ path: '/discovery', label: 'Cloud Discovery', icon: 'discovery' }] },
  {
    label: 'Settings',
    items: [
      { path: '/admins', label: 'Admins', icon: 'admins' },
      { path: '/audit', label: 'Audit log', icon: 'audit' },
    ],
  },
]

/** @returns the page of a path and the parts it names, or undefined. */
export function match(path: string): { readonly route: Route; readonly params: Params } | undefined {
  const parts = path.split('/')
  for (const route of routes) {
    const wanted = route.path.split('/')
    const isOpen = wanted.at(-1) === '*' && parts.length >= wanted.length
    if (wanted.length !== parts.length && !isOpen) continue
    const params: Record<string, string> = {}
    const fits = wanted.every((part, index) => {
      const given = part === '*' ? parts.slice(index).join('/') : (parts[index] ?? '')
      if (part === '*') return Object.assign(params, { rest: decodeURIComponent(given) }) !== undefined
      if (!part.startsWith(':')) return part === given
      params[part.slice(1)] = decodeURIComponent(given)
      return given !== ''
    })
    if (fits) return { route, params }
  }
  return undefined
}
