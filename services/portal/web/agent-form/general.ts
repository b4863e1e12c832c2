/** Step GENERAL: what the agent is called, its format, and how the head of a line looks. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { CheckField, RadioField, TextField } from '../components/field.ts'
import { valueAt } from './draft.ts'
import type { Form } from './form.ts'
import { SampleLine, type TimeFormat, useTimeSamples } from './samples.ts'

export function GeneralStep({ form }: { readonly form: Form }): VNode {
  const { draft } = form
  return html`<div class="stack">
    <${TextField} label="Add agent name" isRequired value=${draft.name ?? ''} isDisabled=${form.isReadOnly} placeholder="SOC Munich"
      onChange=${(name: string) => form.set(['name'], name)} problem=${form.problemAt('name') ?? form.problemAt('id')} />
    <${RadioField} legend="Select your SIEM format *" className="radio-cards" value=${draft.format ?? 'generic'} problem=${form.problemAt('format')}
      onChange=${(format: string) => form.set(['format'], format)}
      choices=${[
        {
          value: 'generic',
          label: 'Generic CEF',
          hint: 'Line for line as the SIEM agent wrote them',
          isDisabled: form.isReadOnly,
        },
        {
          value: 'arcsight',
          label: 'Micro Focus ArcSight',
          hint: 'Strict CEF: lengths, types and labels as ArcSight wants them',
          isDisabled: form.isReadOnly,
        },
      ]} />
    <${AdvancedHeader} form=${form} />
    <${SampleLine} form=${form} />
  </div>`
}

function AdvancedHeader({ form }: { readonly form: Form }): VNode {
  const { draft, isReadOnly } = form
  const samples = useTimeSamples(draft)
  const time = (valueAt(draft, ['header', 'time']) ?? 'rfc5424') as TimeFormat
  const systemName = valueAt(draft, ['header', 'systemName']) ?? true
  const isFullHeader = valueAt(draft, ['header', 'format']) === 'rfc5424'
  const sampleOf = (format: TimeFormat) => html`<code class="time-sample">${samples[format] ?? '…'}</code>`
  return html`<details class="advanced" open=${form.warningAt('header') !== undefined || form.problemAt('header') !== undefined}>
    <summary>Advanced settings</summary>
    <div class="stack">
      <${RadioField} legend="Time format" className="radio-samples" value=${time} problem=${form.problemAt('header', 'time')}
        onChange=${(next: string) => form.set(['header', 'time'], next)}
        choices=${[
          {
            value: 'rfc3164-year',
            label: 'RFC 3164 with year',
            hint: sampleOf('rfc3164-year'),
            isDisabled: isReadOnly,
          },
          { value: 'rfc3164', label: 'RFC 3164', hint: sampleOf('rfc3164'), isDisabled: isReadOnly },
          { value: 'rfc5424', label: 'RFC 5424', hint: sampleOf('rfc5424'), isDisabled: isReadOnly },
        ]} />
      <${CheckField} label="Include PRI" isOn=${(valueAt(draft, ['header', 'pri']) ?? true) === true} isDisabled=${isReadOnly || isFullHeader}
        hint="Priority at the start of each line, such as <166>: facility and severity, by which syslog servers sort."
        problem=${form.problemAt('header', 'pri')} warning=${form.warningAt('header', 'pri')}
        onChange=${(isOn: boolean) => form.set(['header', 'pri'], isOn)} />
      <${CheckField} label="Include system name" isOn=${systemName !== false} isDisabled=${isReadOnly || isFullHeader}
        hint="The machine that sends, as the host name of each line."
        problem=${form.problemAt('header', 'systemName')} warning=${form.warningAt('header', 'systemName')}
        onChange=${(isOn: boolean) => form.set(['header', 'systemName'], isOn)} />
      ${
        systemName !== false &&
        html`<${TextField} label="System name" value=${typeof systemName === 'string' ? systemName : ''} isDisabled=${isReadOnly}
          placeholder="this machine's name" onChange=${(name: string) => form.set(['header', 'systemName'], name === '' ? true : name)} />`
      }
      <${TextField} label="Device version" value=${form.textAt('device', 'version')} isDisabled=${isReadOnly} placeholder="version of siem-relay"
        hint="Fourth field of the CEF head; some parsers only take versions they know." problem=${form.problemAt('device')}
        onChange=${(version: string) => form.set(['device', 'version'], version === '' ? undefined : version)} />
      <${CheckField} label="Full RFC 5424 header" isOn=${isFullHeader} isDisabled=${isReadOnly}
        hint="Puts the CEF line into a whole RFC 5424 message instead of the short head of the SIEM agent."
        problem=${form.problemAt('header', 'format')} warning=${form.warningAt('header', 'format')}
        onChange=${(isOn: boolean) => form.set(['header', 'format'], isOn ? 'rfc5424' : undefined)} />
    </div>
  </details>`
}
