/** One dead letter with everything that is known of it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { DeadLetter, WholeDeadLetter } from '../../src/contract/records.ts'
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
  const { id, code, reason, nextMove, atMs, stage, agent, attempts, key, origin, bytes, mark, notRetriable } = letter
  const actions =
    isAdmin() && mark === undefined
      ? html`<button type="button" class="button button-quiet-danger" onClick=${() => onHandle('drop')}>Drop</button>
          <button type="button" class="button button-primary" disabled=${notRetriable !== undefined} onClick=${() => onHandle('retry')}>Retry</button>`
      : html`<button type="button" class="button" onClick=${onClose}>Close</button>`
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['When', momentText(atMs)],
    ['Stage', stage],
    ['SIEM agent', agent],
    ['Attempts', attempts === undefined ? undefined : String(attempts)],
    ['Key', key],
    ['From', `${origin.topic} / ${origin.partition} / ${origin.offset}`],
    ['Size', plural(bytes, 'byte')],
    ['Handled', mark && `${mark.state} by ${mark.by}, ${momentText(mark.atMs)}`],
  ]
  return html`<${Dialog} title=${code} size="wide" onClose=${onClose} actions=${actions}>
    <div class="stack">
      <${Callout} tone="bad"><p><strong><bdi>${reason}</bdi></strong></p><p>${nextMove}</p><//>
      ${notRetriable && html`<${Callout} tone="info"><p>It cannot be sent again: <bdi>${notRetriable}</bdi></p><//>`}
      <dl class="facts">${facts.map(([name, text]) => text && html`<div key=${name}><dt>${name}</dt><dd><bdi>${text}</bdi></dd></div>`)}</dl>
      <h3>Original</h3>
      ${isAdmin() ? html`<${Original} id=${id} />` : html`<p class="minor">Records themselves are shown to admins only.</p>`}
    </div>
  <//>`
}

/** Looking at it is noted in the audit log. */
function Original({ id }: { readonly id: string }): VNode {
  const whole = useLoad((signal) => get<WholeDeadLetter>(`/dead-letters/${encodeURIComponent(id)}`, {}, signal), [id])
  return html`<${Loading} of=${whole} lines=${4}>${(
    data: WholeDeadLetter,
  ) => html`<pre class="code-block code-wrap" tabindex="0" aria-label="Original record"><code>${textOf(data.value)}</code></pre>
    <dl class="facts">${Object.entries(data.headers).map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd><bdi>${text}</bdi></dd></div>`)}</dl>`}<//>`
}

/** What is no text shows as �; the bytes themselves are on the command line. */
function textOf(base64: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(base64))
}
