/** Somebody else changed the agent: every difference with both values, to choose from. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { Dialog } from '../components/dialog.ts'
import { RadioField } from '../components/field.ts'
import { Callout } from '../components/states.ts'
import { differences, isMineByDefault, merge } from './conflict.ts'
import type { AgentDraft } from './draft.ts'

interface ConflictProps {
  readonly base: AgentDraft
  readonly mine: AgentDraft
  readonly theirs: AgentDraft
  readonly onMerged: (draft: AgentDraft) => void
  readonly onClose: () => void
}

function valueText(value: unknown): VNode {
  return html`<code class="conflict-value">${value === undefined ? '(not set)' : typeof value === 'string' ? value : JSON.stringify(value)}</code>`
}

export function ConflictDialog({ base, mine, theirs, onMerged, onClose }: ConflictProps): VNode {
  const [found] = useState(() => differences(base, mine, theirs))
  const [isMine, setIsMine] = useState<readonly boolean[]>(() => found.map(isMineByDefault))
  const choose = (at: number, value: boolean) => setIsMine(isMine.map((one, index) => (index === at ? value : one)))
  const finish = () => onMerged(merge(theirs, found, (one) => isMine[found.indexOf(one)] ?? false))
  const actions = html`<button type="button" class="button" onClick=${onClose}>Back to the form</button>
    <button type="button" class="button button-primary" onClick=${finish}>Use these</button>`
  return html`<${Dialog} title="Somebody else changed this agent" size="wide" onClose=${onClose} actions=${actions}>
    <div class="stack">
      <p class="prose">Nothing was overwritten. Choose what each setting shall be; then save again.</p>
      ${found.length === 0 && html`<${Callout} tone="ok"><p>Both of you made the same change.</p><//>`}
      ${found.map(
        ({ path, mine: own, theirs: other, isContested }, index) => html`<div class="conflict" key=${path.join('.')}>
          <${RadioField} legend=${path.join(' › ')} className="radio-cards" value=${isMine[index] ? 'mine' : 'theirs'}
            onChange=${(value: string) => choose(index, value === 'mine')} warning=${isContested ? 'Both of you changed this.' : undefined}
            choices=${[
              { value: 'mine', label: 'Yours', hint: valueText(own) },
              { value: 'theirs', label: 'Theirs', hint: valueText(other) },
            ]} />
        </div>`,
      )}
    </div>
  <//>`
}
