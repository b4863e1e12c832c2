/** Dialogs about accounts: a new one, a new password, a removal and what becomes of its tokens. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { Account, Role } from '../../src/contract/access.ts'
import { Dialog } from '../components/dialog.ts'
import { RadioField, TextField } from '../components/field.ts'
import { Failure } from '../components/states.ts'
import { type ApiFailure, failureOf, send } from '../lib/api.ts'
import { NewPassword, passwordProblem } from '../pages/new-password.ts'

interface Closing {
  readonly onClose: () => void
  readonly onDone: (text: string) => void
}

interface FormDialogProps {
  readonly title: string
  readonly yes: string
  readonly isReady: boolean
  readonly isDangerous?: boolean
  readonly onClose: () => void
  readonly act: () => Promise<unknown>
  readonly onActed: () => void
  readonly children: ComponentChildren
}

function FormDialog({
  title,
  yes,
  isReady,
  isDangerous = false,
  onClose,
  act,
  onActed,
  children,
}: FormDialogProps): VNode {
  const id = useId()
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const submit = async (event: Event) => {
    event.preventDefault()
    if (!isReady || isBusy) return
    setIsBusy(true)
    try {
      await act()
      onActed()
    } catch (error) {
      setFailure(failureOf(error))
      setIsBusy(false)
    }
  }
  const actions = html`<button type="button" class="button" onClick=${onClose}>Cancel</button>
    <button type="submit" form=${id} class=${`button ${isDangerous ? 'button-danger' : 'button-primary'}`} disabled=${!isReady || isBusy}>${yes}</button>`
  return html`<${Dialog} title=${title} onClose=${onClose} actions=${actions}>
    <form id=${id} class="stack" onSubmit=${submit}>${children}${failure && html`<${Failure} failure=${failure} />`}</form>
  <//>`
}

export function AccountDialog({ onClose, onDone }: Closing): VNode {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  return html`<${FormDialog} title="Add account" yes="Add account" onClose=${onClose}
    isReady=${name.trim() !== '' && again !== '' && passwordProblem(password, again) === undefined}
    act=${() => send('POST', '/accounts', { name: name.trim(), role, password })} onActed=${() => onDone(`${name.trim()} was added`)}>
    <${TextField} label="Name" value=${name} onChange=${setName} isRequired />
    <${RadioField} legend="Role" className="radio-cards" value=${role} onChange=${setRole} choices=${[
      { value: 'viewer', label: 'Viewer', hint: 'Sees everything that is no secret, changes nothing' },
      { value: 'admin', label: 'Admin', hint: 'Changes agents, accounts and tokens' },
    ]} />
    <${NewPassword} password=${password} again=${again} onPassword=${setPassword} onAgain=${setAgain} />
  <//>`
}

export function PasswordDialog({ account: { name }, onClose, onDone }: Closing & { readonly account: Account }): VNode {
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  return html`<${FormDialog} title=${`New password for ${name}`} yes="Set password" onClose=${onClose} isReady=${again !== '' && passwordProblem(password, again) === undefined}
    act=${() => send('PATCH', `/accounts/${encodeURIComponent(name)}`, { password })} onActed=${() => onDone(`${name} has a new password; its sessions have ended`)}>
    <${NewPassword} password=${password} again=${again} onPassword=${setPassword} onAgain=${setAgain} />
  <//>`
}

export function RemovalDialog({
  account: { name, tokensOf },
  onClose,
  onDone,
}: Closing & { readonly account: Account }): VNode {
  const [text, setText] = useState('')
  const [tokens, setTokens] = useState<'end' | 'take'>('take')
  return html`<${FormDialog} title=${`Remove ${name}?`} yes="Remove" isDangerous onClose=${onClose} isReady=${text.trim() === name}
    act=${() => send('DELETE', `/accounts/${encodeURIComponent(name)}`, { takeOverTokens: tokensOf.length > 0 && tokens === 'take' })}
    onActed=${() => onDone(`${name} was removed`)}>
    <p class="prose">The account and its sessions end at once. This cannot be undone.</p>
    ${
      tokensOf.length > 0 &&
      html`<p class="prose">It owns the tokens of <strong><bdi>${tokensOf.map((agent) => agent.name).join(', ')}</bdi></strong>. What shall become of them?</p>
        <${RadioField} legend="Tokens" className="radio-cards" value=${tokens} onChange=${setTokens} choices=${[
          { value: 'take', label: 'I take them over', hint: 'The agents go on without a break' },
          { value: 'end', label: 'They end with the account', hint: 'The agents disconnect until they get new tokens' },
        ]} />`
    }
    <${TextField} label=${`Type ${name} to confirm`} value=${text} onChange=${setText} />
  <//>`
}
