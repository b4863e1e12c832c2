/** TLS towards the receiver: whom to trust. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { AreaField, CheckField, TextField } from '../components/field.ts'
import { Callout } from '../components/states.ts'
import { valueAt } from './draft.ts'
import type { Form } from './form.ts'

const at = (name: string) => ['syslog', 'tls', name] as const

export function TlsSettings({ form, isOptional }: { readonly form: Form; readonly isOptional: boolean }): VNode {
  const { draft, isReadOnly } = form
  const isOn = !isOptional || valueAt(draft, ['syslog', 'tls']) !== undefined
  const set = (name: string, value: unknown) => form.set(at(name), value)
  const isVerified = valueAt(draft, at('verify')) !== false
  return html`<fieldset class="panel stack">
    <legend>Encryption</legend>
    ${
      isOptional &&
      html`<${CheckField} label="Over TLS" isOn=${isOn} isDisabled=${isReadOnly} onChange=${(next: boolean) => form.set(['syslog', 'tls'], next ? {} : undefined)} />`
    }
    ${
      isOn &&
      html`<${AreaField} label="Certificate authority" isCode rows=${4} isDisabled=${isReadOnly} value=${form.textAt(...at('ca'))}
          placeholder="-----BEGIN CERTIFICATE-----" hint="Paste the PEM of the authority that signed your receiver's certificate; empty: the usual authorities."
          problem=${form.problemAt(...at('ca'))} warning=${form.warningAt(...at('ca'))}
          onChange=${(pem: string) => set('ca', pem.trim() === '' ? undefined : pem)} />
        ${
          form.textAt(...at('caFile')) !== '' &&
          html`<${TextField} label="File with the certificate authority" isDisabled=${isReadOnly} value=${form.textAt(...at('caFile'))}
            hint="On the machine that delivers; in place of the text above." problem=${form.problemAt(...at('caFile'))}
            onChange=${(path: string) => set('caFile', path === '' ? undefined : path)} />`
        }
        <${TextField} label="Name in the certificate" isDisabled=${isReadOnly} value=${form.textAt(...at('serverName'))} placeholder="the host"
          hint="Only if the certificate is for another name than the host." problem=${form.problemAt(...at('serverName'))}
          onChange=${(name: string) => set('serverName', name === '' ? undefined : name)} />
        <${CheckField} label="Verify the receiver's certificate" isOn=${isVerified} isDisabled=${isReadOnly}
          problem=${form.problemAt(...at('verify'))} onChange=${(next: boolean) => set('verify', next ? undefined : false)} />
        ${
          !isVerified &&
          html`<${Callout} tone="bad"><p><strong>Anybody in between can read and change your alerts.</strong> ${
            form.warningAt(...at('verify')) ?? 'Use this in a laboratory only.'
          }</p><//>`
        }`
    }
    ${form.problemAt('syslog', 'tls') && html`<${Callout} tone="bad"><p>${form.problemAt('syslog', 'tls')}</p><//>`}
  </fieldset>`
}
