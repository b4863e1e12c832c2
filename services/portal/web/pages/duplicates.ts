/** Duplicates: alerts that were left out because their twin was sent, with the evidence. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Duplicate } from '../../src/contract/records.ts'
import { AgentSelect, useAgents } from '../components/agent-select.ts'
import { Icon } from '../components/icons.ts'
import { Pages } from '../components/more.ts'
import { Page } from '../components/page.ts'
import { Callout, Empty } from '../components/states.ts'
import { get } from '../lib/api.ts'
import { agoText, countText, durationText, momentText } from '../lib/format.ts'
import { usePages } from '../lib/pages.ts'
import { docsUrl } from '../lib/root.ts'

interface Answer {
  readonly duplicates: readonly Duplicate[]
  readonly next?: string
  readonly total: number
}

export function DuplicatesPage(): VNode {
  const agents = useAgents().data ?? []
  const [agent, setAgent] = useState('')
  const found = usePages(
    async (before, signal) => {
      const answer = await get<Answer>('/duplicates', { agent, before, limit: 50 }, signal)
      return { items: answer.duplicates, next: answer.next, total: answer.total }
    },
    [agent],
  )
  return html`<${Page} title="Duplicates" lead="The same alert from Defender for Identity and from Defender for Cloud Apps is sent once. What was left out, and why, stands here.">
    <${Callout} tone="info"><p>Both products raise an alert for the same event, under different ids. Each agent decides which copy is sent.${' '}
      <a href=${docsUrl('using/duplicates.md')} target="_blank" rel="noreferrer">How twins are found</a></p><//>
    <div class="filters card"><${AgentSelect} agents=${agents} value=${agent} all="All agents" onChange=${setAgent} /></div>
    ${found.total !== undefined && found.total > 0 && html`<p class="count">${countText(found.total)} alerts left out</p>`}
    <${Pages} of=${found}>${(items: readonly Duplicate[]) =>
      items.length === 0
        ? html`<${Empty} icon="twins" title="No duplicates"><p>No alert had a twin yet. With one product alone there are none.</p><//>`
        : html`<ul class="twins">${items.map((one) => html`<${Twin} key=${one.id} one=${one} />`)}</ul>`}<//>
  <//>`
}

function Twin({
  one: { agent, atMs, policy, leftOut, kept, evidence, distanceSeconds },
}: {
  readonly one: Duplicate
}): VNode {
  return html`<li class="card twin">
    <div class="twin-pair">
      <${Copy} label="Sent" tone="ok" copy=${kept} />
      <span class="twin-link" aria-hidden="true"><${Icon} name="twins" /></span>
      <${Copy} label="Left out" tone="quiet" copy=${leftOut} />
    </div>
    <dl class="facts">
      ${evidence.map(({ key, value }, index) => html`<div key=${index}><dt>${key}</dt><dd><bdi>${value}</bdi></dd></div>`)}
      <div><dt>Apart</dt><dd>${distanceSeconds === 0 ? 'at the same time' : durationText(distanceSeconds)}</dd></div>
    </dl>
    <p class="minor">Agent <bdi>${agent}</bdi>, policy ${policy}, <time title=${momentText(atMs)} datetime=${new Date(atMs).toISOString()}>${agoText(atMs, Date.now())}</time></p>
  </li>`
}

function Copy({
  label,
  tone,
  copy,
}: {
  readonly label: string
  readonly tone: string
  readonly copy: Duplicate['kept']
}): VNode {
  return html`<div class="twin-copy">
    <span class=${`badge badge-${tone}`}>${label}</span>
    <strong><bdi>${copy.title ?? copy.id}</bdi></strong>
    <span class="minor"><bdi>${copy.source ?? 'unknown source'}</bdi>${copy.title !== undefined && html` · <code><bdi>${copy.id}</bdi></code>`}</span>
  </div>`
}
