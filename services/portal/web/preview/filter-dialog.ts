/** "Edit and preview results": the filter of one data type above what it makes of the last real records. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { AgentCheck } from '../../src/contract/agents.ts'
import type { FilterReference } from '../../src/contract/records.ts'
import {
  type AgentDraft,
  type DataType,
  definitionOf,
  type Filter,
  isSame,
  kindOf,
  withValue,
} from '../agent-form/draft.ts'
import { ask, Dialog } from '../components/dialog.ts'
import { Loading } from '../components/states.ts'
import { FilterBuilder } from '../filter/builder.ts'
import { useFilterReference } from '../filter/reference.ts'
import { send } from '../lib/api.ts'
import { useLoad, useSettled } from '../lib/load.ts'
import { isAdmin } from '../lib/session.ts'
import { PreviewResults } from './results.ts'

interface FilterDialogProps {
  readonly type: DataType
  readonly title: string
  readonly draft: AgentDraft
  readonly isReadOnly: boolean
  readonly onApply: (filter: Filter) => void
  readonly onClose: () => void
}

export function FilterDialog({ type, title, draft, isReadOnly, onApply, onClose }: FilterDialogProps): VNode {
  const before = draft[type]?.filter ?? {}
  const [filter, setFilter] = useState<Filter>(before)
  const reference = useFilterReference()
  const changed = useMemo(() => withValue(draft, [type, 'filter'], filter), [draft, type, filter])
  const problems = useFilterProblems(changed, type)
  const close = async () => {
    if (
      isReadOnly ||
      isSame(before, filter) ||
      (await ask({
        title: 'Leave the filter?',
        body: html`<p>Your changes to this filter are not applied yet.</p>`,
        yes: 'Leave',
        no: 'Go on editing',
        isDangerous: true,
      }))
    )
      onClose()
  }
  const actions = html`<button type="button" class="button" onClick=${close}>${isReadOnly ? 'Close' : 'Cancel'}</button>
    ${!isReadOnly && html`<button type="button" class="button button-primary" disabled=${problems.length > 0} onClick=${() => onApply(filter)}>Apply</button>`}`
  return html`<${Dialog} title=${`${title}: specific filters`} size="wide" onClose=${close} actions=${actions}>
    <div class="stack">
      <${Loading} of=${reference} lines=${2}>${(
        data: FilterReference,
      ) => html`<${FilterBuilder} filter=${filter} fields=${data[kindOf[type]]} problems=${problems}
        isReadOnly=${isReadOnly} onChange=${setFilter} />`}<//>
      ${isAdmin() && html`<${PreviewResults} draft=${changed} kind=${kindOf[type]} />`}
    </div>
  <//>`
}

/** What is wrong with the filter, at the clause it is wrong in. */
function useFilterProblems(draft: AgentDraft, type: DataType): AgentCheck['problems'] {
  const settled = useSettled(draft, 300)
  const { data } = useLoad(
    (signal) => send<AgentCheck>('POST', '/agents/check', { definition: definitionOf(settled) }, { signal }),
    [settled],
  )
  return (data?.problems ?? [])
    .filter(({ path }) => path[0] === type && path[1] === 'filter')
    .map(({ path, message }) => ({ path: path.slice(2), message }))
}
