/** Replays that run and those that have ended, newest first. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AgentRow } from '../../src/contract/agents.ts'
import { ask } from '../components/dialog.ts'
import { Progress } from '../components/progress.ts'
import { Empty } from '../components/states.ts'
import { type Column, Table } from '../components/table.ts'
import { send } from '../lib/api.ts'
import { countText, durationText, momentText } from '../lib/format.ts'
import { isAdmin } from '../lib/session.ts'
import type { ReplayShape } from './shapes.ts'

const stateWords = {
  running: { label: 'Running', tone: 'info' },
  done: { label: 'Done', tone: 'ok' },
  cancelled: { label: 'Cancelled', tone: 'quiet' },
  failed: { label: 'Failed', tone: 'bad' },
} as const

const sourceWords = { out: 'as sent', raw: 'formatted anew', letters: 'retried dead letters' } as const

interface ReplayListProps {
  readonly replays: readonly ReplayShape[]
  readonly agents: readonly AgentRow[]
  readonly onChanged: () => void
}

export function ReplayList({ replays, agents, onChanged }: ReplayListProps): VNode {
  if (replays.length === 0)
    return html`<${Empty} icon="replay" title="No replays"><p>${isAdmin() ? 'Count one above; nothing is sent before you start it.' : 'An admin can start one.'}</p><//>`
  const cancel = (id: string) =>
    ask({
      title: 'Cancel the replay?',
      body: html`<p>What has been sent stays sent; the rest is left. A new replay can send it later.</p>`,
      yes: 'Cancel replay',
      no: 'Let it run',
      isDangerous: true,
      act: () => send('DELETE', `/replays/${encodeURIComponent(id)}`),
    }).then((isDone) => isDone && onChanged())
  const columns: readonly Column<ReplayShape>[] = [
    {
      key: 'agent',
      label: 'SIEM agent',
      cell: ({
        job,
      }) => html`<span class="row-name"><bdi>${agents.find(({ id }) => id === job.agent)?.name ?? job.agent}</bdi></span>
        <span class="minor">${sourceWords[job.source]}${job.mark && ', marked'}</span>`,
    },
    {
      key: 'range',
      label: 'Time',
      cell: ({ job }) => html`${momentText(job.fromMs)}<span class="minor">to ${momentText(job.toMs)}</span>`,
    },
    { key: 'state', label: 'State', cell: (replay) => html`<${State} replay=${replay} />` },
    {
      key: 'sent',
      label: 'Sent again',
      isNumber: true,
      cell: ({ job, replayed }) => html`${countText(replayed)}<span class="minor">of ${countText(job.records)}</span>`,
    },
    { key: 'created', label: 'Started', cell: ({ job }) => momentText(job.createdMs) },
    {
      key: 'cancel',
      label: 'Actions',
      isLabelHidden: true,
      className: 'col-menu',
      cell: ({ job }) =>
        job.state === 'running' &&
        isAdmin() &&
        html`<button type="button" class="button" onClick=${() => void cancel(job.id)}>Cancel</button>`,
    },
  ]
  return html`<${Table} caption="Replays" columns=${columns} rows=${replays} keyOf=${({ job }: ReplayShape) => job.id} />`
}

function State({ replay: { job, share, replayed } }: { readonly replay: ReplayShape }): VNode {
  const { label, tone } = stateWords[job.state]
  const elapsed = (Date.now() - job.createdMs) / 1_000
  const isTelling = job.state === 'running' && share > 0.01 && elapsed > 0
  return html`<span class=${`badge badge-${tone}`}>${label}</span>
    ${job.state === 'running' && html`<${Progress} share=${share} label=${`Replay to ${job.agent}`} />`}
    ${isTelling && html`<span class="minor">${countText(Math.round(replayed / elapsed))} a second, ${durationText((elapsed / share) * (1 - share))} left</span>`}
    ${job.reason && html`<p class="cause"><bdi>${job.reason}</bdi></p>`}`
}
