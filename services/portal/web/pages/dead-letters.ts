/** Dead letters: what could not be processed or delivered, with its reason, to be sent again or dropped. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { DeadLetter } from '../../src/contract/records.ts'
import { AgentSelect, useAgents } from '../components/agent-select.ts'
import { ask } from '../components/dialog.ts'
import { CheckField, TextField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Pages } from '../components/more.ts'
import { Page } from '../components/page.ts'
import { Empty } from '../components/states.ts'
import { type Column, Table } from '../components/table.ts'
import { say } from '../components/toast.ts'
import { get, send } from '../lib/api.ts'
import { agoText, countText, momentText, plural } from '../lib/format.ts'
import { useSettled } from '../lib/load.ts'
import { usePages } from '../lib/pages.ts'
import { place } from '../lib/router.ts'
import { isAdmin } from '../lib/session.ts'
import { LetterDialog } from '../records/letter.ts'

interface Answer {
  readonly letters: readonly DeadLetter[]
  readonly next?: string
}

interface Handled {
  readonly done: readonly string[]
  readonly refused: readonly { readonly id: string; readonly reason: string }[]
}

/** Of one request; the contract's bound. */
const idsMax = 1_000

export function DeadLettersPage(): VNode {
  const agents = useAgents().data ?? []
  const [agent, setAgent] = useState(() => place.get().query.get('agent') ?? '')
  const [code, setCode] = useState('')
  const [isAll, setIsAll] = useState(false)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [open, setOpen] = useState<DeadLetter | undefined>(undefined)
  const wanted = useSettled(code.trim(), 300)
  const letters = usePages(
    async (before, signal) => {
      const answer = await get<Answer>('/dead-letters', { agent, code: wanted, all: isAll, before, limit: 50 }, signal)
      return { items: answer.letters, next: answer.next }
    },
    [agent, wanted, isAll],
  )
  const handle = async (action: 'retry' | 'drop', ids: readonly string[]) => {
    let answer: Handled | undefined
    const isDone = await ask({
      ...questionOf(action, ids.length),
      act: async () => {
        answer = await send<Handled>('POST', `/dead-letters/${action}`, { ids: ids.slice(0, idsMax) })
      },
    })
    if (!isDone) return
    const refused = answer?.refused ?? []
    const [first] = refused
    if (first === undefined)
      say(
        action === 'retry'
          ? `${plural(ids.length, 'record')} sent on their way again`
          : `${plural(ids.length, 'record')} dropped`,
      )
    else say(`${plural(refused.length, 'record')} refused: ${first.reason}`, { isBad: true })
    setChosen(new Set())
    setOpen(undefined)
    letters.reload()
  }
  const items = letters.items ?? []
  const openLetters = items.filter(({ mark }) => mark === undefined)
  const ids = openLetters.map(({ id }) => id).filter((id) => chosen.has(id))
  const lead =
    'Records that could not be processed or delivered are kept here with their reason, for 30 days unless it is set otherwise.'
  return html`<${Page} title="Dead letters" lead=${lead}>
    <div class="filters card">
      <${AgentSelect} agents=${agents} value=${agent} all="All agents" onChange=${setAgent} />
      <${TextField} label="Reason code" value=${code} onChange=${setCode} placeholder="RELAY_…" />
      <${CheckField} label="Also those retried or dropped" isOn=${isAll} onChange=${setIsAll} />
    </div>
    ${
      isAdmin() &&
      items.length > 0 &&
      html`<div class="toolbar">
        <span class="count" aria-live="polite">${ids.length > 0 ? `${countText(ids.length)} selected` : `${countText(items.length)} dead letters${letters.hasMore ? ' and more' : ''}`}</span>
        <span class="grow"></span>
        <button type="button" class="button" disabled=${ids.length === 0} onClick=${() => void handle('retry', ids)}><${Icon} name="replay" size=${18} />Retry</button>
        <button type="button" class="button button-quiet-danger" disabled=${ids.length === 0} onClick=${() => void handle('drop', ids)}><${Icon} name="trash" size=${18} />Drop</button>
      </div>`
    }
    <${Pages} of=${letters}>${(shown: readonly DeadLetter[]) =>
      shown.length === 0
        ? html`<${Empty} icon="check" title="No dead letters"><p>Every record could be processed and delivered.</p><//>`
        : html`<${Table} caption="Dead letters" rows=${shown} keyOf=${({ id }: DeadLetter) => id} rowClass=${({ mark }: DeadLetter) => (mark ? 'row-off' : '')}
            columns=${columnsOf({ chosen, setChosen, open: openLetters, onOpen: setOpen })} />`}<//>
    ${open && html`<${LetterDialog} letter=${open} onClose=${() => setOpen(undefined)} onHandle=${(action: 'retry' | 'drop') => void handle(action, [open.id])} />`}
  <//>`
}

function questionOf(action: 'retry' | 'drop', count: number) {
  const what = plural(count, 'record')
  return action === 'retry'
    ? {
        title: `Retry ${what}?`,
        body: html`<p>They go through the stage that refused them again. What still cannot be processed comes back here.</p>`,
        yes: 'Retry',
      }
    : {
        title: `Drop ${what}?`,
        body: html`<p>They are not sent. The log keeps them marked as dropped until its time is over.</p>`,
        yes: 'Drop',
        isDangerous: true,
      }
}

interface ColumnParts {
  readonly chosen: ReadonlySet<string>
  readonly setChosen: (chosen: ReadonlySet<string>) => void
  readonly open: readonly DeadLetter[]
  readonly onOpen: (letter: DeadLetter) => void
}

function columnsOf({ chosen, setChosen, open, onOpen }: ColumnParts): readonly Column<DeadLetter>[] {
  const nowMs = Date.now()
  const toggle = (id: string, isOn: boolean) => {
    const next = new Set(chosen)
    if (isOn) next.add(id)
    else next.delete(id)
    setChosen(next)
  }
  const isAllChosen = open.length > 0 && open.every(({ id }) => chosen.has(id))
  const select: Column<DeadLetter> = {
    key: 'select',
    label: 'Select',
    isLabelHidden: true,
    head: html`<input type="checkbox" aria-label="Select all" checked=${isAllChosen} disabled=${open.length === 0}
      onChange=${() => setChosen(isAllChosen ? new Set() : new Set(open.map(({ id }) => id)))} />`,
    className: 'col-select',
    cell: ({
      id,
      mark,
      code,
    }) => html`<input type="checkbox" aria-label=${`Select ${code} ${id}`} checked=${chosen.has(id)} disabled=${mark !== undefined}
      onChange=${(event: Event) => toggle(id, (event.target as HTMLInputElement).checked)} />`,
  }
  return [
    ...(isAdmin() ? [select] : []),
    {
      key: 'reason',
      label: 'Reason',
      cell: (
        letter,
      ) => html`<button type="button" class="link-button row-name" onClick=${() => onOpen(letter)}>${letter.code}</button>
        <p class="clamp"><bdi>${letter.reason}</bdi></p>`,
    },
    {
      key: 'record',
      label: 'Record',
      cell: ({ preview, bytes }) =>
        html`<code class="clamp"><bdi>${preview}</bdi></code><span class="minor">${plural(bytes, 'byte')}</span>`,
    },
    {
      key: 'agent',
      label: 'SIEM agent',
      cell: ({ agent, stage }) => html`<bdi>${agent ?? '—'}</bdi><span class="minor">${stage}</span>`,
    },
    {
      key: 'at',
      label: 'When',
      cell: ({
        atMs,
        mark,
      }) => html`<time title=${momentText(atMs)} datetime=${new Date(atMs).toISOString()}>${agoText(atMs, nowMs)}</time>
      ${mark && html`<span class="minor">${mark.state} by <bdi>${mark.by}</bdi></span>`}`,
    },
  ]
}
