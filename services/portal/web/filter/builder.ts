/** Builds a filter in the language of Defender for Cloud Apps, row by row or as JSON; both show the same filter. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { AgentCheck } from '../../src/contract/agents.ts'
import type { FilterField } from '../../src/contract/records.ts'
import type { Filter } from '../agent-form/draft.ts'
import { AreaField, Notes, Select } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { type Clause, clausesOf, emptyValue, fieldOf, filterOf, operatorText, parseFilter } from './model.ts'
import { ValueEditor } from './values.ts'

interface BuilderProps {
  readonly filter: Filter
  readonly fields: readonly FilterField[]
  /** With paths that begin at the filter. */
  readonly problems: AgentCheck['problems']
  readonly isReadOnly: boolean
  readonly onChange: (filter: Filter) => void
}

export function FilterBuilder(props: BuilderProps): VNode {
  const [view, setView] = useState<'rows' | 'json'>('rows')
  const tab = (key: typeof view, label: string) =>
    html`<button type="button" class="chip" aria-pressed=${view === key} onClick=${() => setView(key)}>${label}</button>`
  return html`<div class="builder">
    <div class="builder-head">
      <p class="minor">A record is sent when <strong>all</strong> rows hold; within a row one value is enough.</p>
      <span class="chips" role="group" aria-label="Show the filter as">${tab('rows', 'Rows')}${tab('json', 'JSON')}</span>
    </div>
    ${view === 'rows' ? html`<${Rows} ...${props} />` : html`<${Json} ...${props} />`}
  </div>`
}

function Rows({ filter, fields, problems, isReadOnly, onChange }: BuilderProps): VNode {
  // A row whose field is not chosen yet cannot stand in a filter; it waits here.
  const [hasDraft, setHasDraft] = useState(false)
  const clauses = clausesOf(filter)
  const change = (at: number, clause: Clause) =>
    onChange(filterOf(clauses.map((one, index) => (index === at ? clause : one))))
  const start = (field: string) => {
    const operator = freeOperators(fieldOf(field, fields), field, clauses)[0]
    if (operator === undefined) return
    setHasDraft(false)
    onChange(filterOf([...clauses, { field, operator, value: emptyValue(operator, Date.now()) }]))
  }
  return html`<div class="clauses">
    ${clauses.map(
      (
        clause,
        index,
      ) => html`<${Row} key=${`${clause.field} ${clause.operator}`} clause=${clause} clauses=${clauses} fields=${fields} isReadOnly=${isReadOnly}
        problem=${problemsOf(problems, clause)} onChange=${(next: Clause) => change(index, next)}
        onRemove=${() => onChange(filterOf(clauses.filter((_, at) => at !== index)))} />`,
    )}
    ${clauses.length === 0 && !hasDraft && html`<p class="builder-empty">No filter: every record is sent.</p>`}
    ${
      hasDraft &&
      html`<div class="clause"><${FieldSelect} label="New filter: field" fields=${fields} value="" onChange=${start} />
        <button type="button" class="button button-quiet button-icon" aria-label="Remove the new filter" onClick=${() => setHasDraft(false)}><${Icon} name="cross" /></button></div>`
    }
    ${
      !isReadOnly &&
      html`<div><button type="button" class="button" disabled=${hasDraft} onClick=${() => setHasDraft(true)}><${Icon} name="plus" />Add a filter</button></div>`
    }
  </div>`
}

interface RowProps {
  readonly clause: Clause
  readonly clauses: readonly Clause[]
  readonly fields: readonly FilterField[]
  readonly problem: string | undefined
  readonly isReadOnly: boolean
  readonly onChange: (clause: Clause) => void
  readonly onRemove: () => void
}

function Row({ clause, clauses, fields, problem, isReadOnly, onChange, onRemove }: RowProps): VNode {
  const { field: name, operator, value } = clause
  const field = fieldOf(name, fields)
  const others = clauses.filter((one) => one !== clause)
  const operators = [operator, ...freeOperators(field, name, others).filter((one) => one !== operator)]
  const setOperator = (next: string) => onChange({ field: name, operator: next, value: emptyValue(next, Date.now()) })
  const setField = (next: string) => {
    const first = freeOperators(fieldOf(next, fields), next, others)[0] ?? 'eq'
    onChange({ field: next, operator: first, value: emptyValue(first, Date.now()) })
  }
  return html`<div class=${`clause${problem ? ' clause-bad' : ''}`} role="group" aria-label=${`Filter on ${name}`}>
    <${FieldSelect} label="Field" fields=${fields} value=${name} isReadOnly=${isReadOnly} onChange=${setField} />
    <${Select} aria-label=${`${name}: operator`} value=${operator} disabled=${isReadOnly} onChange=${setOperator}
      choices=${operators.map((one) => ({ value: one, label: operatorText(one, field) }))} />
    <${ValueEditor} label=${name} field=${field} operator=${operator} value=${value} isReadOnly=${isReadOnly}
      onChange=${(next: unknown) => onChange({ ...clause, value: next })} />
    ${
      !isReadOnly &&
      html`<button type="button" class="button button-quiet button-icon clause-remove" aria-label=${`Remove filter on ${name}`} onClick=${onRemove}><${Icon} name="trash" size=${18} /></button>`
    }
    ${field?.note && html`<p class="clause-note minor">${field.note}</p>`}
    <div class="clause-note"><${Notes} problem=${problem} /></div>
  </div>`
}

interface FieldSelectProps {
  readonly label: string
  readonly fields: readonly FilterField[]
  readonly value: string
  readonly isReadOnly?: boolean
  readonly onChange: (field: string) => void
}

/** Fields that cannot be judged here are named with their reason, but not chosen. */
function FieldSelect({ label, fields, value, isReadOnly = false, onChange }: FieldSelectProps): VNode {
  const usable = fields.filter(({ operators }) => operators.length > 0)
  const isKnown = value === '' || usable.some(({ field }) => field === value)
  return html`<${Select} aria-label=${label} value=${value} disabled=${isReadOnly} onChange=${onChange}
    choices=${[
      ...(value === '' ? [{ value: '', label: 'Choose a field…' }] : []),
      ...(isKnown ? [] : [{ value, label: value }]),
      ...usable.map(({ field }) => ({ value: field, label: field })),
    ]} />`
}

function freeOperators(field: FilterField | undefined, name: string, clauses: readonly Clause[]): readonly string[] {
  const used = clauses.filter((clause) => clause.field === name).map(({ operator }) => operator)
  return (field?.operators ?? ['eq']).filter((operator) => !used.includes(operator))
}

function problemsOf(problems: AgentCheck['problems'], { field, operator }: Clause): string | undefined {
  const found = problems.filter(({ path }) => path[0] === field && (path[1] === undefined || path[1] === operator))
  return found.map(({ message }) => message).join('; ') || undefined
}

function Json({ filter, problems, isReadOnly, onChange }: BuilderProps): VNode {
  const [text, setText] = useState(() => JSON.stringify(filter, null, 2))
  const { error } = parseFilter(text)
  const type = (next: string) => {
    setText(next)
    const parsed = parseFilter(next)
    if (parsed.filter !== undefined) onChange(parsed.filter)
  }
  const said = problems
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(' › ')}: ${message}`))
    .join('\n')
  return html`<${AreaField} label="Filter as JSON" isCode rows=${10} value=${text} isDisabled=${isReadOnly} onChange=${type}
    hint="As the API and the portal of Defender for Cloud Apps write it: paste one from there." problem=${error ?? (said || undefined)} />`
}
