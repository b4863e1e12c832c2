/** What a draft makes of the last real records: which are sent or left out and why, and one of them side by side with its line. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { PreviewAnswer, Previewed } from '../../src/contract/records.ts'
import { type AgentDraft, previewableOf } from '../agent-form/draft.ts'
import { Select } from '../components/field.ts'
import { Icon, type IconName } from '../components/icons.ts'
import { Empty, Loading } from '../components/states.ts'
import { failureOf, send, wait } from '../lib/api.ts'
import { agoText, momentText } from '../lib/format.ts'
import { useLoad, useSettled } from '../lib/load.ts'
import { Compared } from './compared.ts'

type Kind = Previewed['kind']

const outcomeWords = {
  sent: { label: 'Sent', icon: 'check', tone: 'ok' },
  'left-out': { label: 'Left out', icon: 'filter', tone: 'quiet' },
  'dead-letter': { label: 'Dead letter', icon: 'warning', tone: 'bad' },
} as const satisfies Record<Previewed['outcome'], { label: string; icon: IconName; tone: string }>

const limits = ['20', '50', '200', '500'] as const

interface ResultsProps {
  readonly draft: AgentDraft
  /** Default: every kind the draft takes. */
  readonly kind?: Kind | undefined
}

export function PreviewResults({ draft, kind }: ResultsProps): VNode {
  const [limit, setLimit] = useState<string>('50')
  const [outcome, setOutcome] = useState<Previewed['outcome'] | 'all'>('all')
  const settled = useSettled(draft, 400)
  const answer = useLoad(
    (signal) => preview({ definition: previewableOf(settled), limit: Number(limit), ...(kind && { kind }) }, signal),
    [settled, limit, kind],
  )
  return html`<div class=${`results${answer.isLoading ? ' is-refreshing' : ''}`}>
    <div class="toolbar">
      <h3>Results</h3>
      ${answer.data && html`<${Counts} counts=${answer.data.counts} outcome=${outcome} onOutcome=${setOutcome} />`}
      <span class="grow"></span>
      <label class="inline-field">Last <${Select} aria-label="How many records" value=${limit} onChange=${setLimit}
        choices=${limits.map((value) => ({ value, label: `${value} records` }))} /></label>
      <button type="button" class="button button-icon" aria-label="Look again" onClick=${answer.reload}><${Icon} name="replay" size=${18} /></button>
    </div>
    <${Loading} of=${answer}>${(data: PreviewAnswer) =>
      data.records.length === 0
        ? html`<${Empty} icon="search" title="No records yet">
            <p>The log holds none of this kind. They appear once the sources have been read.</p>
          <//>`
        : html`<${Records} records=${data.records.filter((one) => outcome === 'all' || one.outcome === outcome)} />`}<//>
  </div>`
}

const waitMs = 700

/** The relay makes one at a time for each of us: one that was given up may still be under way. */
async function preview(body: unknown, signal: AbortSignal): Promise<PreviewAnswer> {
  for (let attempt = 0; ; attempt++)
    try {
      return await send<PreviewAnswer>('POST', '/preview', body, { signal })
    } catch (error) {
      if (failureOf(error).code !== 'too_many' || attempt === 8 || signal.aborted) throw error
      await wait(waitMs, signal)
    }
}

interface CountsProps {
  readonly counts: PreviewAnswer['counts']
  readonly outcome: string
  readonly onOutcome: (outcome: Previewed['outcome'] | 'all') => void
}

function Counts({ counts: { sent, leftOut, deadLetter }, outcome, onOutcome }: CountsProps): VNode {
  const chip = (
    key: Previewed['outcome'] | 'all',
    label: string,
    count: number,
  ) => html`<button type="button" class="chip" aria-pressed=${outcome === key}
    onClick=${() => onOutcome(key)}>${label} <span class="chip-count">${count}</span></button>`
  return html`<span class="chips" role="group" aria-label="Show" aria-live="polite">
    ${chip('all', 'All', sent + leftOut + deadLetter)}${chip('sent', 'Sent', sent)}${chip('left-out', 'Left out', leftOut)}
    ${deadLetter > 0 && chip('dead-letter', 'Dead letters', deadLetter)}
  </span>`
}

function Records({ records }: { readonly records: readonly Previewed[] }): VNode {
  const [chosenId, setChosenId] = useState<string | undefined>(undefined)
  const chosen = useMemo(() => records.find((one) => keyOf(one) === chosenId) ?? records[0], [records, chosenId])
  if (chosen === undefined) return html`<p class="minor">None of them.</p>`
  const nowMs = Date.now()
  return html`<div class="results-split">
    <ul class="result-list" aria-label="Records">
      ${records.map((one) => {
        const { label, icon, tone } = outcomeWords[one.outcome]
        return html`<li key=${keyOf(one)}>
          <button type="button" class="result" aria-current=${one === chosen ? 'true' : undefined} onClick=${() => setChosenId(keyOf(one))}>
            <span class=${`badge badge-${tone}`}><${Icon} name=${icon} size=${14} />${label}</span>
            <span class="result-title"><bdi>${titleOf(one)}</bdi></span>
            <span class="minor" title=${momentText(one.receivedMs)}>${agoText(one.receivedMs, nowMs)} · <bdi>${one.source}</bdi></span>
          </button>
        </li>`
      })}
    </ul>
    <${Compared} key=${keyOf(chosen)} one=${chosen} />
  </div>`
}

function keyOf({ tenant, source, id, receivedMs }: Previewed): string {
  return [tenant, source, id, receivedMs].join(' ')
}

/** What a person calls the record. */
function titleOf({ record, id }: Previewed): string {
  try {
    const { title, description, appName, AppName } = JSON.parse(record) as Record<string, unknown>
    const found = [title, description, appName, AppName].find((text) => typeof text === 'string' && text !== '')
    return typeof found === 'string' ? found.slice(0, 200) : id
  } catch {
    return id
  }
}
