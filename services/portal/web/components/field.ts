/** Fields of forms: a label, what it takes, a hint, and what is wrong with it, tied together for screen readers. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from './icons.ts'

interface Common {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly problem?: string | undefined
  readonly warning?: string | undefined
  readonly isRequired?: boolean
  readonly isDisabled?: boolean
}

/** The label and notes around a control; `control` gets what ties it to them. */
function Field({
  label,
  hint,
  problem,
  warning,
  isRequired,
  control,
}: Common & {
  readonly control: (ids: {
    id: string
    'aria-describedby': string | undefined
    'aria-invalid': boolean
  }) => ComponentChildren
}): VNode {
  const id = useId()
  const notes = [hint && `${id}-hint`, problem && `${id}-problem`, warning && `${id}-warning`].filter(Boolean)
  return html`<div class=${`field${problem ? ' field-bad' : ''}`}>
    <label class="field-label" for=${id}>${label}${isRequired && html`<span class="required" aria-hidden="true"> *</span>`}</label>
    ${control({ id, 'aria-describedby': notes.length > 0 ? notes.join(' ') : undefined, 'aria-invalid': problem !== undefined })}
    ${hint && html`<p class="field-hint" id=${`${id}-hint`}>${hint}</p>`}
    <${Notes} id=${id} problem=${problem} warning=${warning} />
  </div>`
}

export function Notes({
  id,
  problem,
  warning,
}: {
  readonly id?: string
  readonly problem?: string | undefined
  readonly warning?: string | undefined
}): VNode {
  return html`${
    problem &&
    html`<p class="field-problem" id=${id && `${id}-problem`}><${Icon} name="cross" size=${16} /><span>${problem}</span></p>`
  }
  ${
    warning &&
    html`<p class="field-warning" id=${id && `${id}-warning`}><${Icon} name="warning" size=${16} /><span>${warning}</span></p>`
  }`
}

interface TextProps extends Common {
  readonly value: string
  readonly onChange: (value: string) => void
  readonly type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local' | 'url'
  readonly placeholder?: string
  readonly autocomplete?: string
  readonly min?: number
  readonly max?: number
  readonly name?: string
}

export function TextField({
  value,
  onChange,
  type = 'text',
  placeholder,
  autocomplete = 'off',
  min,
  max,
  name,
  ...common
}: TextProps): VNode {
  return html`<${Field} ...${common} control=${(
    ids: object,
  ) => html`<input ...${ids} class="input" type=${type} value=${value}
    name=${name} placeholder=${placeholder} autocomplete=${autocomplete} spellcheck=${false} min=${min} max=${max}
    required=${common.isRequired} disabled=${common.isDisabled}
    onInput=${(event: InputEvent) => onChange((event.target as HTMLInputElement).value)} />`} />`
}

interface AreaProps extends Common {
  readonly value: string
  readonly onChange: (value: string) => void
  readonly rows?: number
  readonly placeholder?: string
  readonly isCode?: boolean
}

export function AreaField({ value, onChange, rows = 4, placeholder, isCode, ...common }: AreaProps): VNode {
  return html`<${Field} ...${common} control=${(
    ids: object,
  ) => html`<textarea ...${ids} class=${`input${isCode ? ' code' : ''}`} rows=${rows}
    placeholder=${placeholder} spellcheck=${false} disabled=${common.isDisabled} value=${value}
    onInput=${(event: InputEvent) => onChange((event.target as HTMLTextAreaElement).value)}></textarea>`} />`
}

interface Choice<V extends string> {
  readonly value: V
  readonly label: string
}

interface SelectProps<V extends string> extends Common {
  readonly value: V
  readonly choices: readonly Choice<V>[]
  readonly onChange: (value: V) => void
}

export function SelectField<V extends string>({ value, choices, onChange, ...common }: SelectProps<V>): VNode {
  return html`<${Field} ...${common} control=${(
    ids: object,
  ) => html`<${Select} ...${ids} value=${value} choices=${choices}
    onChange=${onChange} disabled=${common.isDisabled} />`} />`
}

interface BareSelectProps<V extends string> {
  readonly value: V
  readonly choices: readonly Choice<V>[]
  readonly onChange: (value: V) => void
  readonly disabled?: boolean
  readonly [name: `aria-${string}`]: unknown
  readonly id?: string
}

/** Without a label of its own: give `aria-label`. */
export function Select<V extends string>({ value, choices, onChange, ...rest }: BareSelectProps<V>): VNode {
  return html`<span class="select"><select ...${rest} value=${value}
      onChange=${(event: Event) => onChange((event.target as HTMLSelectElement).value as V)}>
      ${choices.map((choice) => html`<option key=${choice.value} value=${choice.value} selected=${choice.value === value}>${choice.label}</option>`)}
    </select><${Icon} name="chevron" size=${16} /></span>`
}

interface CheckProps {
  readonly label: ComponentChildren
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
  readonly hint?: string
  readonly isDisabled?: boolean
  readonly problem?: string | undefined
  readonly warning?: string | undefined
}

export function CheckField({ label, isOn, onChange, hint, isDisabled, problem, warning }: CheckProps): VNode {
  const id = useId()
  return html`<div class="field">
    <label class="check">
      <input type="checkbox" checked=${isOn} disabled=${isDisabled} aria-describedby=${hint ? id : undefined}
        onChange=${(event: Event) => onChange((event.target as HTMLInputElement).checked)} />
      <span>${label}</span>
    </label>
    ${hint && html`<p class="field-hint check-hint" id=${id}>${hint}</p>`}
    <${Notes} problem=${problem} warning=${warning} />
  </div>`
}

interface ToggleProps {
  readonly label: string
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
  readonly isDisabled?: boolean
}

export function Toggle({ label, isOn, onChange, isDisabled }: ToggleProps): VNode {
  return html`<button type="button" role="switch" class="toggle" aria-checked=${isOn} aria-label=${label} disabled=${isDisabled}
    onClick=${() => onChange(!isOn)}><span class="toggle-knob"></span></button>`
}

interface RadioProps<V extends string> {
  readonly legend: string
  readonly value: V
  readonly choices: readonly (Choice<V> & { readonly hint?: ComponentChildren; readonly isDisabled?: boolean })[]
  readonly onChange: (value: V) => void
  readonly className?: string
  readonly problem?: string | undefined
  readonly warning?: string | undefined
}

export function RadioField<V extends string>({
  legend,
  value,
  choices,
  onChange,
  className = '',
  problem,
  warning,
}: RadioProps<V>): VNode {
  const name = useId()
  return html`<fieldset class=${`field radios ${className}`}>
    <legend class="field-label">${legend}</legend>
    ${choices.map(
      (choice) => html`<label class="radio" key=${choice.value}>
        <input type="radio" name=${name} value=${choice.value} checked=${choice.value === value} disabled=${choice.isDisabled}
          onChange=${() => onChange(choice.value)} />
        <span class="radio-text"><span class="radio-label">${choice.label}</span>${choice.hint && html`<span class="radio-hint">${choice.hint}</span>`}</span>
      </label>`,
    )}
    <${Notes} problem=${problem} warning=${warning} />
  </fieldset>`
}
