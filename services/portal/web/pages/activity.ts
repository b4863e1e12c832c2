/** Activity: records as they pass, at a stage of their way. Paused until somebody wants to see them, and masked unless an admin says so. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { AgentSelect, useAgents } from '../components/agent-select.ts'
import { CheckField, SelectField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Page } from '../components/page.ts'
import { Callout, Empty } from '../components/states.ts'
import { clockText, countText } from '../lib/format.ts'
import { isAdmin } from '../lib/session.ts'
import { type TappedRecord, useTap } from '../records/tap.ts'

const stages = [
  { value: 'out', label: 'Formatted, on their way to a SIEM' },
  { value: 'raw', label: 'As they came from Microsoft' },
  { value: 'discarded', label: 'Left out on purpose' },
  { value: 'dead-letters', label: 'Dead letters' },
] as const
type Stage = (typeof stages)[number]['value']

const kinds = [
  { value: '', label: 'All kinds' },
  { value: 'alert', label: 'Alerts' },
  { value: 'activity', label: 'Activities' },
  { value: 'discovery', label: 'Discovery logs' },
] as const

const connectionWords = {
  paused: 'Paused',
  connecting: 'Connecting…',
  open: 'Live',
  lost: 'Connection lost; trying again…',
  ended: 'Ended',
} as const

export function ActivityPage(): VNode {
  const agents = useAgents().data ?? []
  const [stage, setStage] = useState<Stage>('out')
  const [agent, setAgent] = useState('')
  const [kind, setKind] = useState<string>('')
  const [isMasked, setIsMasked] = useState(true)
  const [isRunning, setIsRunning] = useState(false)
  const { records, dropped, connection, reason, clear } = useTap(
    { stage, agent: stage === 'raw' ? '' : agent, kind, masked: isMasked },
    isRunning,
  )
  const actions = html`<button type="button" class="button" disabled=${records.length === 0} onClick=${clear}>Clear</button>
    <button type="button" class=${`button ${isRunning ? '' : 'button-primary'}`} onClick=${() => setIsRunning(!isRunning)}>
      <${Icon} name=${isRunning ? 'pause' : 'play'} size=${18} />${isRunning ? 'Pause' : 'Start'}</button>`
  return html`<${Page} title="Activity" lead="Records as they pass through the relay. Watching changes nothing." actions=${actions}>
    <div class="filters card">
      <${SelectField} label="Stage" value=${stage} choices=${stages} onChange=${setStage} />
      ${stage !== 'raw' && html`<${AgentSelect} agents=${agents} value=${agent} all="All agents" onChange=${setAgent} />`}
      <${SelectField} label="Kind" value=${kind} choices=${kinds} onChange=${setKind} />
      ${
        isAdmin() &&
        html`<${CheckField} label="Mask names and addresses" isOn=${isMasked} onChange=${setIsMasked}
          warning=${isMasked ? undefined : 'Looking at unmasked records is written to the audit log.'} />`
      }
    </div>
    <div class="toolbar" aria-live="polite">
      <span class=${`live live-${connection}`}>${connectionWords[connection]}</span>
      <span class="minor">${records.length > 0 && `${countText(records.length)} shown`}</span>
      ${dropped > 0 && html`<span class="minor text-warn">${countText(dropped)} came too fast to be shown</span>`}
    </div>
    ${connection === 'ended' && html`<${Callout} tone="warn"><p>The relay ended this: <bdi>${reason ?? 'it gave no reason'}</bdi>. Pause and start to go on.</p><//>`}
    ${connection === 'lost' && html`<${Callout} tone="warn"><p>The relay does not answer. It goes on by itself once it does.</p><//>`}
    ${
      records.length > 0
        ? html`<ol class="tap" aria-label="Records, newest first">${records.map((record) => html`<${Line} key=${record.number} record=${record} />`)}</ol>`
        : isRunning
          ? html`<${Empty} icon="activity" title="Waiting for records"><p>Nothing has passed this stage since you started. Sources are read about once a minute.</p><//>`
          : html`<${Empty} icon="play" title="Paused"><p>Choose a stage and press <strong>Start</strong> to see records as they pass.</p><//>`
    }
  <//>`
}

const headersShown = ['kind', 'agent', 'tenant', 'source', 'code', 'reason'] as const

function Line({ record }: { readonly record: TappedRecord }): VNode {
  const { atMs, topic, partition, offset, key, headers, value, isCut } = record
  return html`<li class="tap-line">
    <details>
      <summary>
        <time class="tap-time" datetime=${new Date(atMs).toISOString()}>${clockText(atMs)}</time>
        ${headersShown.map((name) => headers[name] && html`<span class="tag" key=${name}><bdi>${headers[name]}</bdi></span>`)}
        <bdi class="tap-value">${value.slice(0, 400)}</bdi>
      </summary>
      <pre class="code-block code-wrap" tabindex="0" aria-label="Value"><code>${value}${isCut && '…'}</code></pre>
      <dl class="facts">
        <div><dt>Key</dt><dd><bdi>${key}</bdi></dd></div>
        <div><dt>Where</dt><dd>${topic} / ${partition} / ${offset}</dd></div>
        ${Object.entries(headers).map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd><bdi>${text}</bdi></dd></div>`)}
      </dl>
    </details>
  </li>`
}
