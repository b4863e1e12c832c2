/** Step DATA TYPES: what is sent, and which of it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { CheckField, Notes, Select, SelectField, Toggle } from '../components/field.ts'
import { Icon, type IconName } from '../components/icons.ts'
import { FilterDialog } from '../preview/filter-dialog.ts'
import { type DataType, type Filter, isSent, valueAt } from './draft.ts'
import type { Form } from './form.ts'

interface Row {
  readonly type: DataType
  readonly title: string
  readonly text: string
  readonly icon: IconName
  readonly all: string
}

const alerts: Row = {
  type: 'alerts',
  title: 'Alerts',
  text: 'Alerts for suspicious activities, possible security violations, or other issues',
  icon: 'alert',
  all: 'All alerts',
}
const activities: Row = {
  type: 'activities',
  title: 'Activities',
  text: 'Events that occurred in your cloud environment',
  icon: 'activity',
  all: 'All activities',
}
const discovery: Row = {
  type: 'discovery',
  title: 'Discovery logs',
  text: 'Analyzed traffic for your cloud applications',
  icon: 'discovery',
  all: 'All data streams',
}

interface StepProps {
  readonly form: Form
  readonly tenants: readonly string[]
}

export function DataTypesStep({ form, tenants }: StepProps): VNode {
  const isSentinel = form.draft.sentinel !== undefined
  const rows = isSentinel ? [alerts, discovery, activities] : [alerts, activities, discovery]
  return html`<div class="stack">
    <p class="prose">Select the data types you want to forward.</p>
    <ul class="types">${rows.map((row) => html`<${TypeRow} key=${row.type} form=${form} row=${row} isLocked=${isSentinel && row.type === 'alerts'} />`)}</ul>
    <${AdvancedTypes} form=${form} tenants=${tenants} />
  </div>`
}

function TypeRow({
  form,
  row,
  isLocked,
}: {
  readonly form: Form
  readonly row: Row
  readonly isLocked: boolean
}): VNode {
  const { type, title, text, icon, all } = row
  const [isOpen, setIsOpen] = useState(false)
  const isOn = isSent(form.draft, type)
  const filter = (form.draft[type]?.filter ?? {}) as Filter
  const clauses = Object.values(filter).reduce((count, operators) => count + Object.keys(operators).length, 0)
  const isSpecific = clauses > 0
  const choose = (value: string) => {
    if (value === 'all') form.set([type, 'filter'], {})
    else setIsOpen(true)
  }
  return html`<li class=${`type${isOn ? '' : ' type-off'}`}>
    <span class="type-icon"><${Icon} name=${icon} size=${24} /></span>
    <div class="type-text"><h3>${title}</h3><p>${text}</p>
      ${isLocked && html`<p class="minor">Always on for Microsoft Sentinel</p>`}</div>
    <div class="type-apply">
      ${
        isOn &&
        html`<label class="field-label">Apply to
            <${Select} aria-label=${`${title}: apply to`} value=${isSpecific ? 'specific' : 'all'} disabled=${form.isReadOnly} onChange=${choose}
              choices=${[
                { value: 'all', label: all },
                { value: 'specific', label: isSpecific ? `Specific filters (${clauses})` : 'Specific filters…' },
              ]} /></label>
          <button type="button" class="link-button" onClick=${() => setIsOpen(true)}><${Icon} name="filter" size=${16} />Edit and preview results</button>`
      }
    </div>
    <${Toggle} label=${title} isOn=${isOn} isDisabled=${isLocked || form.isReadOnly} onChange=${(next: boolean) => form.set([type, 'enabled'], next)} />
    <div class="type-notes"><${Notes} problem=${form.problemAt(type)} warning=${form.warningAt(type)} /></div>
    ${
      isOpen &&
      html`<${FilterDialog} type=${type} title=${title} draft=${form.draft} isReadOnly=${form.isReadOnly} onClose=${() => setIsOpen(false)}
        onApply=${(next: Filter) => {
          form.set([type, 'filter'], next)
          setIsOpen(false)
        }} />`
    }
  </li>`
}

const policies = [
  { value: 'first', label: 'Send the copy that comes first, leave the other out' },
  { value: 'prefer-identity', label: 'Prefer the copy of Defender for Identity' },
  { value: 'prefer-cloud-apps', label: 'Prefer the copy of Defender for Cloud Apps' },
  { value: 'annotate', label: 'Send both, the second names the first' },
  { value: 'off', label: 'Send both' },
] as const

function AdvancedTypes({ form, tenants }: StepProps): VNode {
  const { draft, isReadOnly } = form
  const chosen = valueAt(draft, ['tenants']) as readonly string[] | undefined
  const hasRows = draft.sentinel === undefined && isSent(draft, 'discovery')
  const pick = (tenant: string, isOn: boolean) => {
    const next = tenants.filter((one) => (one === tenant ? isOn : (chosen ?? tenants).includes(one)))
    form.set(['tenants'], next.length === tenants.length || next.length === 0 ? undefined : next)
  }
  return html`<details class="advanced" open=${form.problemAt('dedup') !== undefined || form.problemAt('tenants') !== undefined}>
    <summary>Advanced settings</summary>
    <div class="stack">
      <${SelectField} label="An alert that comes twice" value=${form.textAt('dedup', 'policy') || 'first'} choices=${policies} isDisabled=${isReadOnly}
        hint="Defender for Identity and Defender for Cloud Apps each raise the same alert, under different ids."
        problem=${form.problemAt('dedup')} warning=${form.warningAt('dedup')} onChange=${(policy: string) => form.set(['dedup', 'policy'], policy)} />
      ${
        hasRows &&
        html`<${SelectField} label="Discovery logs as" value=${form.textAt('discovery', 'output') || 'cef'} isDisabled=${isReadOnly}
          choices=${[
            { value: 'cef', label: 'CEF, like the others' },
            { value: 'json', label: 'JSON, the 18 columns of McasShadowItReporting' },
          ]} onChange=${(output: string) => form.set(['discovery', 'output'], output)} />`
      }
      ${
        tenants.length > 1 &&
        html`<fieldset class="plain"><legend class="field-label">Tenants</legend>
          ${tenants.map(
            (
              tenant,
            ) => html`<${CheckField} key=${tenant} label=${tenant} isDisabled=${isReadOnly} isOn=${(chosen ?? tenants).includes(tenant)}
              onChange=${(isOn: boolean) => pick(tenant, isOn)} />`,
          )}
          <${Notes} problem=${form.problemAt('tenants')} />
        </fieldset>`
      }
    </div>
  </details>`
}
