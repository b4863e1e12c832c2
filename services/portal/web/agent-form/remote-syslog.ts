/** Step REMOTE SYSLOG: where lines go, how, and from which machine. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { RadioField, SelectField, TextField } from '../components/field.ts'
import { Callout } from '../components/states.ts'
import { valueAt } from './draft.ts'
import type { Form } from './form.ts'
import { TestMessage } from './test-message.ts'
import { TlsSettings } from './tls.ts'

const protocols = [
  { value: 'udp', label: 'UDP', hint: 'No answer: what is lost on the way stays lost' },
  { value: 'tcp', label: 'TCP', hint: 'Readable on the way' },
  { value: 'tls', label: 'TLS', hint: 'Encrypted, the receiver is verified' },
  { value: 'relp', label: 'RELP', hint: 'The receiver acknowledges each line' },
] as const

/** Ports receivers listen on by custom; a port that was typed stays. */
const usualPorts: Readonly<Record<string, number>> = { udp: 514, tcp: 514, tls: 6514, relp: 2514 }

export function RemoteSyslogStep({ form }: { readonly form: Form }): VNode {
  const { draft, isReadOnly } = form
  const protocol = form.textAt('syslog', 'protocol') || 'tcp'
  const setProtocol = (next: string) => {
    const port = valueAt(draft, ['syslog', 'port'])
    // Settings that mean nothing with the new protocol would be refused.
    const { framing, confirm, tls, ...kept } = draft.syslog ?? {}
    const stream =
      next === 'tcp' || next === 'tls'
        ? { ...(framing !== undefined && { framing }), ...(confirm !== undefined && { confirm }) }
        : {}
    const secure = next === 'tls' || next === 'relp' ? (tls === undefined ? {} : { tls }) : {}
    const isUsual = port === usualPorts[protocol] || port === undefined
    form.set(['syslog'], {
      ...kept,
      ...stream,
      ...secure,
      protocol: next,
      ...(isUsual ? { port: usualPorts[next] } : {}),
    })
  }
  return html`<div class="stack">
    <div class="fields-host">
      <${TextField} label="Enter the remote syslog host" isRequired value=${form.textAt('syslog', 'host')} isDisabled=${isReadOnly}
        placeholder="siem.contoso.com" hint="A name or an address. Several, with commas between them, are tried in order."
        onChange=${(host: string) => form.set(['syslog', 'host'], host)} problem=${form.problemAt('syslog', 'host')} warning=${form.warningAt('syslog', 'host')} />
      <${TextField} label="Enter the remote syslog port" isRequired type="number" min=${1} max=${65_535} value=${form.textAt('syslog', 'port')}
        isDisabled=${isReadOnly} onChange=${(port: string) => form.set(['syslog', 'port'], port === '' ? undefined : Number(port))}
        problem=${form.problemAt('syslog', 'port')} warning=${form.warningAt('syslog', 'port')} />
    </div>
    <${RadioField} legend="Select the remote syslog protocol" className="radio-cards radio-cards-4" value=${protocol} onChange=${setProtocol}
      choices=${protocols.map((choice) => ({ ...choice, isDisabled: isReadOnly }))}
      problem=${form.problemAt('syslog', 'protocol')} warning=${form.warningAt('syslog', 'protocol')} />
    ${(protocol === 'tls' || protocol === 'relp') && html`<${TlsSettings} form=${form} isOptional=${protocol === 'relp'} />`}
    <${RadioField} legend="Where does it run?" className="radio-cards" value=${draft.remote === true ? 'remote' : 'relay'}
      onChange=${(where: string) => form.set(['remote'], where === 'remote' ? true : undefined)} problem=${form.problemAt('remote')} warning=${form.warningAt('remote')}
      choices=${[
        { value: 'relay', label: 'In this relay', hint: 'The relay reaches your SIEM itself', isDisabled: isReadOnly },
        {
          value: 'remote',
          label: 'In your network',
          hint: 'siem-relay agent runs beside your SIEM and connects outwards',
          isDisabled: isReadOnly,
        },
      ]} />
    <${AdvancedDelivery} form=${form} protocol=${protocol} />
    ${
      draft.remote === true
        ? html`<${Callout} tone="info"><p>The test message is sent by this relay. An agent in your network tries your receiver itself when it starts.</p><//>`
        : null
    }
    <${TestMessage} form=${form} />
  </div>`
}

function AdvancedDelivery({ form, protocol }: { readonly form: Form; readonly protocol: string }): VNode | null {
  if (protocol !== 'tcp' && protocol !== 'tls') return null
  const optional = (name: string, value: string) => form.set(['syslog', name], value === '' ? undefined : value)
  const hasNote = ['framing', 'confirm', 'force'].some(
    (name) => form.problemAt('syslog', name) !== undefined || form.warningAt('syslog', name) !== undefined,
  )
  return html`<details class="advanced" open=${hasNote}>
    <summary>Advanced settings</summary>
    <div class="stack">
      <${SelectField} label="Framing" value=${form.textAt('syslog', 'framing')} isDisabled=${form.isReadOnly} onChange=${(value: string) => optional('framing', value)}
        hint="How the receiver tells one line from the next (RFC 6587)." problem=${form.problemAt('syslog', 'framing')} warning=${form.warningAt('syslog', 'framing')}
        choices=${[
          { value: '', label: protocol === 'tls' ? 'Default: octet counting' : 'Default: line feed' },
          { value: 'octet-counting', label: 'Octet counting' },
          { value: 'lf', label: 'Line feed' },
        ]} />
      <${SelectField} label="Delivered means" value=${form.textAt('syslog', 'confirm')} isDisabled=${form.isReadOnly} onChange=${(value: string) => optional('confirm', value)}
        hint="When a line is taken off the log. TCP has no answer of its own." problem=${form.problemAt('syslog', 'confirm')} warning=${form.warningAt('syslog', 'confirm')}
        choices=${[
          { value: '', label: 'Default: the receiver has read it (checkpoint)' },
          { value: 'checkpoint', label: 'The receiver has read it (checkpoint)' },
          { value: 'tcp-ack', label: 'TCP has acknowledged it (Linux)' },
          { value: 'write', label: 'It was written: a crash loses lines' },
        ]} />
    </div>
  </details>`
}
