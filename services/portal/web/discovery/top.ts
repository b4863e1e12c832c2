/** The busiest few of a kind, on the dashboard. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { DiscoveredApp, DiscoveredEntity } from '../../src/contract/discovery.ts'
import { Select } from '../components/field.ts'
import { Loading } from '../components/states.ts'
import { get, type Query } from '../lib/api.ts'
import { bytesText } from '../lib/format.ts'
import { useLoad } from '../lib/load.ts'
import { setQuery } from '../lib/router.ts'
import { StackedBar } from './bars.ts'
import { Score } from './tables.ts'

const shown = 8

export function TopApps({ query }: { readonly query: Query }): VNode {
  const apps = useLoad(
    (signal) => get<{ apps: DiscoveredApp[] }>('/discovery/apps', { ...query, sort: 'traffic', limit: shown }, signal),
    [JSON.stringify(query)],
  )
  return html`<section class="card chart-card" aria-labelledby="top-apps-title">
    <div class="card-head"><h2 id="top-apps-title">Discovered apps</h2><button type="button" class="link-button" onClick=${() => setQuery({ tab: 'apps' })}>View all</button></div>
    <${Loading} of=${apps}>${(data: { apps: DiscoveredApp[] }) => html`<ul class="top-list">
      ${data.apps.map(
        ({
          tenant,
          appId,
          name,
          category,
          score,
          totalBytes,
        }) => html`<li key=${`${tenant} ${appId}`}><${Score} score=${score} />
        <span class="top-name"><strong><bdi>${name}</bdi></strong><span class="minor"><bdi>${category}</bdi></span></span><span class="top-value">${bytesText(totalBytes)}</span></li>`,
      )}
    </ul>`}<//>
  </section>`
}

export function TopEntities({ query }: { readonly query: Query }): VNode {
  const [kind, setKind] = useState<'users' | 'ip-addresses'>('users')
  const found = useLoad(
    (signal) =>
      get<{ entities: DiscoveredEntity[] }>(`/discovery/${kind}`, { ...query, sort: 'traffic', limit: shown }, signal),
    [JSON.stringify(query), kind],
  )
  return html`<section class="card chart-card" aria-labelledby="top-entities-title">
    <div class="card-head"><h2 id="top-entities-title">Top entities</h2>
      <label class="inline-field">by <${Select} aria-label="Top entities by" value=${kind} onChange=${setKind} choices=${[
        { value: 'users', label: 'User' },
        { value: 'ip-addresses', label: 'IP address' },
      ]} /></label></div>
    <${Loading} of=${found}>${({ entities }: { entities: DiscoveredEntity[] }) => {
      const longest = Math.max(0, ...entities.map(({ totalBytes }) => totalBytes))
      return html`<ul class="bars">${entities.map(
        ({
          name,
          totalBytes,
          uploadedBytes,
        }) => html`<li class="bar-row" key=${name}><span class="bar-name"><bdi>${name === '' ? 'unknown' : name}</bdi></span>
          <span class="bar-value">${bytesText(totalBytes)}</span>
          <${StackedBar} longest=${longest} parts=${[
            { key: 'upload', label: 'Upload', value: uploadedBytes },
            { key: 'accent', label: 'Download', value: Math.max(0, totalBytes - uploadedBytes) },
          ]} /></li>`,
      )}</ul><p class="minor"><span class="swatch swatch-upload"></span>upload <span class="swatch swatch-accent"></span>download</p>`
    }}<//>
  </section>`
}
