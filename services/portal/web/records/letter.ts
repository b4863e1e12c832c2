/** One dead letter with everything that is known of it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { DeadLetter } from '../../src/contract/records.ts'
import { Dialog } from '../components/dialog.ts'
import { Callout, Loading } from '../components/states.ts'
import { get } from '../lib/api.ts'
import { momentText, plural } from '../lib/format.ts'
import { useLoad } from '../lib/load.ts'
import { isAdmin } from '../lib/session.ts'

interface LetterProps {
  readonly letter: DeadLetter
  readonly onHandle: (action: 'retry' | 'drop') => void
  readonly onClose: () => void
}

export function LetterDialog({ letter, onHandle, onClose }: LetterProps): VNode {
  const { id, code, reason, nextMove, atMs, stage, agent, attempts, key, origin, bytes, mark } = letter
  const whole = useLoad(
    (signal) => get<DeadLetter & { value: string }>(`/dead-letters/${encodeURIComponent(id)}`, {}, signal),
    [id],
  )
  const actions =
    isAdmin() && mark === undefined
      ? html`<button type="button" class="button button-quiet-danger" onClick=${() => onHandle('drop')}>Drop</button>
          <button type="button" class="button button-primary" onClick=${() => onHandle('retry')}>Retry</button>`
      : html`<button type="button" class="button" onClick=${onClose}>Close</button>`
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['When', momentText(atMs)],
    ['Stage', stage],
    ['SIEM agent', agent],
    ['Attempts', String(attempts)],
    ['Key', key],
    ['From', origin && `${origin.topic} / ${origin.partition} / ${origin.offset}`],
    ['Size', plural(bytes, 'byte')],
    ['Handled', mark && `${mark.state} by ${mark.by}, ${momentText(mark.atMs)}`],
  ]
  return html`<${Dialog} title=${code} size="wide" onClose=${onClose} actions=${actions}>
    <div class="stack">
      <${Callout} tone="bad"><p><strong><bdi>${reason}</bdi></strong></p><p>${nextMove}</p><//>
      <dl class="facts">${facts.map(([name, text]) => text && html`<div key=${name}><dt>${name}</dt><dd><bdi>${text}</bdi></dd></div>`)}</dl>
      <h3>Original</h3>
      <${Loading} of=${whole} lines=${4}>${(data: { value: string }) => html`<pre class="code-block code-wrap" tabindex="0" aria-label="Original record"><code>${data.value}</code></pre>`}<//>
    </div>
  <//>`
}
