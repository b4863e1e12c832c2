/** Agent notifications: what is wrong, what to do about it, and where to read more. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AgentNotification, AgentRow } from '../../src/contract/agents.ts'
import { Dialog } from '../components/dialog.ts'
import { Icon } from '../components/icons.ts'
import { agoText, momentText, plural } from '../lib/format.ts'
import { docsUrl } from '../lib/root.ts'
import { AgentStatus } from './state.ts'

const tones = { info: 'info', warning: 'warn', error: 'bad' } as const satisfies Record<
  AgentNotification['severity'],
  string
>

/** What the column of the table shows. */
export function NotificationCount({ agent, onOpen }: { readonly agent: AgentRow; readonly onOpen: () => void }): VNode {
  const { length } = agent.notifications
  if (length === 0) return html`<span aria-label="none">—</span>`
  const isBad = agent.notifications.some(({ severity }) => severity !== 'info')
  return html`<button type="button" class=${`link-button ${isBad ? 'text-warn' : ''}`} onClick=${onOpen}
    aria-label=${`${plural(length, 'notification')} of ${agent.name}`}>
    <${Icon} name=${isBad ? 'warning' : 'info'} size=${18} />${plural(length, 'notification')}
  </button>`
}

interface PanelProps {
  readonly agent: AgentRow
  readonly nowMs: number
  readonly onClose: () => void
}

export function NotificationPanel({ agent, nowMs, onClose }: PanelProps): VNode {
  return html`<${Dialog} size="side" title=${`Notifications of ${agent.name}`} onClose=${onClose}>
    <${AgentStatus} agent=${agent} nowMs=${nowMs} />
    ${agent.cause && html`<p class="next-move"><strong>Next move:</strong> ${agent.cause.nextMove}</p>`}
    <ul class="notes">
      ${agent.notifications.map(
        (note, index) => html`<li class=${`note note-${tones[note.severity]}`} key=${index}>
          <h3><${Icon} name=${note.severity === 'info' ? 'info' : 'warning'} size=${18} />${note.title}</h3>
          <p><bdi>${note.message}</bdi></p>
          <p class="note-fix"><strong>What to do:</strong> ${note.fix}</p>
          <p class="minor">
            <time title=${momentText(note.sinceMs)} datetime=${new Date(note.sinceMs).toISOString()}>since ${agoText(note.sinceMs, nowMs)}</time>
            ${note.docs && html` · <a href=${docsUrl(note.docs)} target="_blank" rel="noreferrer">Read more</a>`}
          </p>
        </li>`,
      )}
    </ul>
  <//>`
}
