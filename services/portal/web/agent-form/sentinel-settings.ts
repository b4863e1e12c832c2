/** Step CONFIGURE: where in Azure rows go, and who the relay is there. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { SelectField, TextField } from '../components/field.ts'
import { Callout } from '../components/states.ts'
import { docsUrl } from '../lib/root.ts'
import { valueAt } from './draft.ts'
import type { Form } from './form.ts'

const authKinds = [
  { value: 'client-secret', label: 'App registration with a client secret' },
  { value: 'certificate', label: 'App registration with a certificate' },
  { value: 'managed-identity', label: 'Managed identity of this machine' },
  { value: 'workload-identity', label: 'Workload identity (Kubernetes)' },
] as const

interface AuthField {
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly isOptional?: boolean
}

const tenantId: AuthField = { name: 'tenantId', label: 'Directory (tenant) ID' }
const clientId: AuthField = { name: 'clientId', label: 'Application (client) ID' }
const authFields: Readonly<Record<string, readonly AuthField[]>> = {
  'client-secret': [
    tenantId,
    clientId,
    {
      name: 'clientSecretFile',
      label: 'File with the client secret',
      hint: 'On the machine of the relay. Secrets stay in files and are never shown.',
    },
  ],
  certificate: [
    tenantId,
    clientId,
    {
      name: 'certificateFile',
      label: 'File with the certificate',
      hint: 'PEM, with its private key, on the machine of the relay.',
    },
  ],
  'managed-identity': [{ ...clientId, hint: 'Only for a user-assigned identity.', isOptional: true }],
  'workload-identity': [
    { ...tenantId, isOptional: true },
    { ...clientId, isOptional: true, hint: "Empty: as Kubernetes' webhook sets them." },
  ],
}

export function SentinelStep({ form }: { readonly form: Form }): VNode {
  const { draft, isReadOnly } = form
  const type = form.textAt('sentinel', 'auth', 'type') || 'client-secret'
  const set = (name: string, value: string) => form.set(['sentinel', name], value === '' ? undefined : value)
  const setType = (next: string) => {
    const names = (authFields[next] ?? []).map(({ name }) => name)
    const kept = Object.entries((valueAt(draft, ['sentinel', 'auth']) ?? {}) as object).filter(
      ([name, value]) => names.includes(name) && value !== '',
    )
    form.set(['sentinel', 'auth'], { ...Object.fromEntries(kept), type: next })
  }
  return html`<div class="stack">
    <${Callout} tone="info"><p>The template in <a href=${docsUrl('using/sentinel-deploy.md')} target="_blank" rel="noreferrer">deploy/sentinel</a> makes the tables, the rule
      and the role in your workspace; its outputs are what is asked for here.</p><//>
    <${TextField} label="Add agent name" isRequired value=${draft.name ?? ''} isDisabled=${isReadOnly} onChange=${(name: string) => form.set(['name'], name)}
      problem=${form.problemAt('name') ?? form.problemAt('id')} />
    <${TextField} label="Logs ingestion endpoint" isRequired type="url" value=${form.textAt('sentinel', 'endpoint')} isDisabled=${isReadOnly}
      placeholder="https://soc-dcr-a1b2.westeurope-1.ingest.monitor.azure.com" onChange=${(value: string) => form.set(['sentinel', 'endpoint'], value.trim())}
      problem=${form.problemAt('sentinel', 'endpoint')} warning=${form.warningAt('sentinel', 'endpoint')} />
    <${TextField} label="Immutable ID of the data collection rule" isRequired value=${form.textAt('sentinel', 'ruleId')} isDisabled=${isReadOnly}
      placeholder="dcr-00000000000000000000000000000000" onChange=${(value: string) => form.set(['sentinel', 'ruleId'], value.trim())}
      problem=${form.problemAt('sentinel', 'ruleId')} warning=${form.warningAt('sentinel', 'ruleId')} />
    <${SelectField} label="Sign in to Azure as" value=${type} choices=${authKinds} isDisabled=${isReadOnly} onChange=${setType} />
    ${(authFields[type] ?? []).map(
      ({
        name,
        label,
        hint,
        isOptional,
      }) => html`<${TextField} key=${type + name} label=${label} hint=${hint} isRequired=${isOptional !== true} isDisabled=${isReadOnly}
        value=${form.textAt('sentinel', 'auth', name)} problem=${form.problemAt('sentinel', 'auth', name)} warning=${form.warningAt('sentinel', 'auth', name)}
        onChange=${(value: string) => form.set(['sentinel', 'auth', name], value.trim() === '' && isOptional ? undefined : value.trim())} />`,
    )}
    <details class="advanced">
      <summary>Advanced settings</summary>
      <div class="stack">
        <${SelectField} label="Azure cloud" value=${form.textAt('sentinel', 'cloud') || 'public'} isDisabled=${isReadOnly} onChange=${(value: string) => set('cloud', value)}
          choices=${[
            { value: 'public', label: 'Azure' },
            { value: 'usgov', label: 'Azure for US Government' },
            { value: 'china', label: 'Azure operated by 21Vianet' },
          ]} problem=${form.problemAt('sentinel', 'cloud')} />
        <${TextField} label="Proxy" value=${form.textAt('sentinel', 'proxy')} isDisabled=${isReadOnly} placeholder="proxy.contoso.com:8080"
          onChange=${(value: string) => set('proxy', value)} problem=${form.problemAt('sentinel', 'proxy')} />
      </div>
    </details>
    ${['streams', 'authorityHost', 'allowAnyEndpoint', 'caFile'].map((name) => {
      const text = form.problemAt('sentinel', name) ?? form.warningAt('sentinel', name)
      return text && html`<${Callout} key=${name} tone="warn"><p>${text}</p><//>`
    })}
  </div>`
}
