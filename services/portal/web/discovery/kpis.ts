/** The row of figures at the top. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { DiscoverySummary } from '../../src/contract/discovery.ts'
import { bytesText, countText, shortCountText } from '../lib/format.ts'

export function Kpis({ summary }: { readonly summary: DiscoverySummary }): VNode {
  const { apps, ipAddresses, users, totalBytes, uploadedBytes, downloadedBytes, events, blockedEvents } = summary
  const figure = (label: string, value: string, more?: unknown, title?: string) => html`<div class="kpi" key=${label}>
    <dt>${label}</dt><dd title=${title}>${value}</dd>${more && html`<dd class="minor">${more}</dd>`}</div>`
  return html`<dl class="kpis">
    ${figure('Apps', countText(apps))}
    ${figure('IP addresses', countText(ipAddresses))}
    ${figure('Users', countText(users))}
    ${figure('Events', shortCountText(events), `${countText(blockedEvents)} blocked`, countText(events))}
    ${figure('Traffic', bytesText(totalBytes), html`<span aria-label="uploaded">↑ ${bytesText(uploadedBytes)}</span> <span aria-label="downloaded">↓ ${bytesText(downloadedBytes)}</span>`)}
  </dl>`
}
