/** The values of a clause: chosen where they are known, typed where they are not. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { FilterField } from '../../src/contract/records.ts'
import { Select } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { fromLocalInput, localInput } from '../lib/format.ts'
import { listOf, meaningOf, readValue, shapeOf, valueText } from './model.ts'

interface ValueProps {
  readonly label: string
  readonly field: FilterField | undefined
  readonly operator: string
  readonly value: unknown
  readonly isReadOnly: boolean
  readonly onChange: (value: unknown) => void
}

export function ValueEditor(props: ValueProps): VNode {
  const { label, field, operator, value, isReadOnly, onChange } = props
  switch (shapeOf(operator)) {
    case 'presence':
      return html`<${Select} aria-label=${label} value=${String(value)} disabled=${isReadOnly} onChange=${(next: string) => onChange(next === 'true')}
        choices=${[{ value: 'true', label: 'yes' }, { value: 'false', label: 'no' }]} />`
    case 'ranges':
      return html`<${Range} ...${props} />`
    case 'bound':
      return field?.type === 'time'
        ? html`<${Time} label=${label} value=${value} isReadOnly=${isReadOnly} onChange=${onChange} />`
        : html`<${Plain} ...${props} type="number" />`
    case 'days':
      return html`<${Plain} ...${props} type="number" />`
    case 'phrase':
      return html`<${Plain} ...${props} type="text" />`
    case 'list':
      return html`<${List} ...${props} />`
  }
}

function Plain({ label, value, isReadOnly, onChange, type }: ValueProps & { readonly type: 'number' | 'text' }): VNode {
  const read = (text: string) => (type === 'number' && text !== '' ? Number(text) : text)
  return html`<input class="input" type=${type} aria-label=${label} disabled=${isReadOnly} value=${value === undefined ? '' : valueText(value)}
    onInput=${(event: InputEvent) => onChange(read((event.target as HTMLInputElement).value))} />`
}

interface TimeProps {
  readonly label: string
  readonly value: unknown
  readonly isReadOnly: boolean
  readonly onChange: (value: unknown) => void
}

function Time({ label, value, isReadOnly, onChange }: TimeProps): VNode {
  return html`<input class="input" type="datetime-local" aria-label=${label} disabled=${isReadOnly} value=${typeof value === 'number' ? localInput(value) : ''}
    onInput=${(event: InputEvent) => onChange(fromLocalInput((event.target as HTMLInputElement).value))} />`
}

/** One stretch of time; a filter that has several is edited as JSON. */
function Range({ label, value, isReadOnly, onChange }: ValueProps): VNode {
  const ranges = listOf(value) as readonly { start?: number; end?: number }[]
  const [range = {}, ...others] = ranges
  if (others.length > 0) return html`<span class="minor">${ranges.length} stretches: see the JSON</span>`
  return html`<span class="range">
    <${Time} label=${`${label}: from`} value=${range.start} isReadOnly=${isReadOnly} onChange=${(start: unknown) => onChange([{ ...range, start }])} />
    <span>and</span>
    <${Time} label=${`${label}: to`} value=${range.end} isReadOnly=${isReadOnly} onChange=${(end: unknown) => onChange([{ ...range, end }])} />
  </span>`
}

function List({ label, field, value, isReadOnly, onChange }: ValueProps): VNode {
  const [text, setText] = useState('')
  const values = listOf(value)
  const known = field?.values ?? []
  const left = known.filter((one) => !values.includes(one.value))
  const flags = field?.type === 'flag' && known.length === 0 ? ['true', 'false'] : []
  const add = (next: unknown) => {
    if (!values.some((one) => valueText(one) === valueText(next))) onChange([...values, next])
    setText('')
  }
  const addTyped = () => {
    if (text.trim() !== '') add(readValue(text, field))
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return
    event.preventDefault()
    addTyped()
  }
  return html`<span class="values">
    ${values.map(
      (one, index) => html`<span class="value-chip" key=${valueText(one)}><bdi>${meaningOf(one, field)}</bdi>
        ${
          !isReadOnly &&
          html`<button type="button" class="chip-remove" aria-label=${`Remove ${meaningOf(one, field)}`} onClick=${() => onChange(values.filter((_, at) => at !== index))}>
            <${Icon} name="cross" size=${12} /></button>`
        }</span>`,
    )}
    ${
      !isReadOnly &&
      (known.length > 0 || flags.length > 0
        ? (left.length > 0 || (flags.length > 0 && values.length === 0)) &&
          html`<${Select} aria-label=${`${label}: add a value`} value="" onChange=${(chosen: string) => chosen !== '' && add(flags.length > 0 ? chosen === 'true' : JSON.parse(chosen))}
            choices=${[
              { value: '', label: values.length === 0 ? 'Choose…' : 'Add…' },
              ...left.map((one) => ({ value: JSON.stringify(one.value), label: meaningOf(one.value, field) })),
              ...flags.map((flag) => ({ value: flag, label: flag })),
            ]} />`
        : html`<input class="input value-input" type="text" aria-label=${`${label}: add a value`} placeholder="Value, then Enter" value=${text} spellcheck=${false}
            onInput=${(event: InputEvent) => setText((event.target as HTMLInputElement).value)} onKeyDown=${onKey} onBlur=${addTyped} />`)
    }
  </span>`
}
