/** The status of an agent: what it is, since when, why, and when it is tried next. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AgentRow } from '../../src/contract/agents.ts'
import { Icon } from '../components/icons.ts'
import { agoText, durationText, momentText } from '../lib/format.ts'
import { stateWords } from './words.ts'

function StateBadge({ state }: { readonly state: AgentRow['state'] }): VNode {
  const { label, icon, tone } = stateWords[state]
  return html`<span class=${`badge badge-${tone}`}><${Icon} name=${icon} size=${16} />${label}</span>`
}

export function AgentStatus({ agent, nowMs }: { readonly agent: AgentRow; readonly nowMs: number }): VNode {
  const { state, stateSinceMs, cause, oldestSeconds, pending, retire } = agent
  const isBehind = state !== 'disabled' && (oldestSeconds ?? 0) > 60 && (pending ?? 0) > 0
  return html`<div class="status">
    <${StateBadge} state=${state} />
    ${retire && html`<span class="tag">Retiring</span>`}
    ${
      stateSinceMs !== undefined &&
      state !== 'connected' &&
      html`<span class="minor" title=${momentText(stateSinceMs)}>since ${agoText(stateSinceMs, nowMs)}</span>`
    }
    ${cause && state !== 'disabled' && html`<p class="cause"><bdi>${cause.message}</bdi></p>`}
    ${
      cause?.nextTryMs !== undefined &&
      state !== 'disabled' &&
      html`<p class="minor">${cause.nextTryMs <= nowMs ? 'Trying now' : `Next try ${agoText(cause.nextTryMs, nowMs)}`}</p>`
    }
    ${isBehind && html`<p class="minor">${(pending ?? 0).toLocaleString('en-US')} waiting, the oldest for ${durationText(oldestSeconds ?? 0)}</p>`}
  </div>`
}
