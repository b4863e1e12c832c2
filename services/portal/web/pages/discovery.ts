/** Cloud Discovery: which cloud apps are used, by whom, how much, and how risky they are. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { DiscoverySummary, DiscoveryUsage } from '../../src/contract/discovery.ts'
import { SelectField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Page } from '../components/page.ts'
import { Empty, Loading } from '../components/states.ts'
import { Categories } from '../discovery/categories.ts'
import { Kpis } from '../discovery/kpis.ts'
import { periods, queryOf, tabs, viewOf } from '../discovery/query.ts'
import { RiskLevels, Scores, Tags } from '../discovery/risk.ts'
import { AppsTable, EntitiesTable } from '../discovery/tables.ts'
import { TopApps, TopEntities } from '../discovery/top.ts'
import { Usage } from '../discovery/usage.ts'
import { get, type Query } from '../lib/api.ts'
import { momentText } from '../lib/format.ts'
import { useLoad } from '../lib/load.ts'
import { docsUrl } from '../lib/root.ts'
import { place, setQuery } from '../lib/router.ts'
import { useStore } from '../lib/store.ts'

export function DiscoveryPage(): VNode {
  const view = viewOf(useStore(place))
  const key = JSON.stringify(view)
  const query = useMemo(() => queryOf(view, Date.now()), [key])
  const summary = useLoad((signal) => get<DiscoverySummary>('/discovery/summary', query, signal), [query])
  const { updatedMs, streams = [], tenants = [] } = summary.data ?? {}
  const choices = (all: string, values: readonly string[], chosen: string) => [
    { value: '', label: all },
    ...[...new Set([...values, ...(chosen === '' ? [] : [chosen])])].map((value) => ({ value, label: value })),
  ]
  return html`<${Page} title="Cloud Discovery" lead=${updatedMs === undefined ? 'Cloud apps in use, and their risk.' : `Updated on ${momentText(updatedMs)}`}>
    <div class="discovery-head">
      <div class="tabs" role="group" aria-label="Views">
        ${tabs.map((tab) => html`<button type="button" class="tab" key=${tab.key} aria-pressed=${view.tab === tab.key} onClick=${() => setQuery({ tab: tab.key === 'dashboard' ? '' : tab.key })}>${tab.label}</button>`)}
      </div>
      <div class="selectors">
        ${tenants.length > 1 && html`<${SelectField} label="Tenant" value=${view.tenant} choices=${choices('All tenants', tenants, view.tenant)} onChange=${(tenant: string) => setQuery({ tenant })} />`}
        <${SelectField} label="Data stream" value=${view.stream} choices=${choices('All data streams', streams, view.stream)} onChange=${(stream: string) => setQuery({ stream })} />
        <${SelectField} label="Period" value=${view.days} choices=${periods} onChange=${(days: string) => setQuery({ days })} />
      </div>
    </div>
    ${
      view.user !== '' &&
      html`<p class="active-filter"><${Icon} name="user" size=${16} />Only <strong><bdi>${view.user}</bdi></strong>
        <button type="button" class="link-button" onClick=${() => setQuery({ user: '' })}>Show all users</button></p>`
    }
    <${Loading} of=${summary} lines=${10}>${(data: DiscoverySummary) => (data.updatedMs === undefined ? html`<${Nothing} />` : html`<${View} tab=${view.tab} summary=${data} query=${query} />`)}<//>
  <//>`
}

function Nothing(): VNode {
  return html`<${Empty} icon="discovery" title="No discovery logs">
    <p>Nothing was found in this time. Discovery logs come from Graph or from the intake; <a href=${docsUrl('using/discovery.md')} target="_blank" rel="noreferrer">set one up</a>, or choose a longer period.</p>
  <//>`
}

interface ViewProps {
  readonly tab: string
  readonly summary: DiscoverySummary
  readonly query: Query
}

function View({ tab, summary, query }: ViewProps): VNode {
  if (tab === 'apps') return html`<${AppsTable} query=${query} />`
  if (tab === 'users' || tab === 'ip-addresses') return html`<${EntitiesTable} key=${tab} query=${query} kind=${tab} />`
  return html`<${Kpis} summary=${summary} />
    <div class="dashboard">
      <div class="chart-column"><${Categories} categories=${summary.categories} /><${Tags} tags=${summary.tags} /></div>
      <div class="chart-column"><${RiskLevels} risk=${summary.risk} /><${Scores} scores=${summary.scores} /></div>
      <${TopApps} query=${query} />
      <${TopEntities} query=${query} />
      <${UsageCard} query=${query} />
    </div>`
}

function UsageCard({ query }: { readonly query: Query }): VNode {
  const usage = useLoad((signal) => get<DiscoveryUsage>('/discovery/usage', query, signal), [query])
  return html`<${Loading} of=${usage} lines=${3}>${(data: DiscoveryUsage) => html`<${Usage} usage=${data} />`}<//>`
}
