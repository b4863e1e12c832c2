/** The audit log: who did what, newest first. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AuditEntry } from '../../src/contract/access.ts'
import { Pages } from '../components/more.ts'
import { Page } from '../components/page.ts'
import { Empty } from '../components/states.ts'
import { type Column, Table } from '../components/table.ts'
import { get } from '../lib/api.ts'
import { momentText } from '../lib/format.ts'
import { usePages } from '../lib/pages.ts'

const columns: readonly Column<AuditEntry>[] = [
  {
    key: 'at',
    label: 'When',
    className: 'col-time',
    cell: ({ atMs }) => html`<time datetime=${new Date(atMs).toISOString()}>${momentText(atMs)}</time>`,
  },
  {
    key: 'actor',
    label: 'Who',
    cell: ({ actor, address }) =>
      html`<bdi>${actor}</bdi>${address && html`<span class="minor"><bdi>${address}</bdi></span>`}`,
  },
  { key: 'action', label: 'What', cell: ({ action }) => html`<code>${action}</code>` },
  { key: 'subject', label: 'To what', cell: ({ subject }) => html`<bdi>${subject ?? '—'}</bdi>` },
  { key: 'detail', label: 'Detail', cell: ({ detail }) => html`<bdi class="wrap">${detail ?? '—'}</bdi>` },
]

export function AuditPage(): VNode {
  const entries = usePages(async (before, signal) => {
    const answer = await get<{ entries: AuditEntry[]; next?: string }>('/audit', { before, limit: 100 }, signal)
    return { items: answer.entries, next: answer.next }
  }, [])
  return html`<${Page} title="Audit log" lead="Who signed in, and who changed what. Secrets are never in it.">
    <${Pages} of=${entries}>${(items: readonly AuditEntry[]) =>
      items.length === 0
        ? html`<${Empty} icon="audit" title="Nothing yet"><p>Sign-ins and changes appear here.</p><//>`
        : html`<${Table} caption="Audit log" columns=${columns} rows=${items} keyOf=${({ id }: AuditEntry) => id} />`}<//>
  <//>`
}
