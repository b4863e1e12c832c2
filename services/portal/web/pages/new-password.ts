/** A new password, typed twice. Its length counts (NIST SP 800-63B §3.1.1.2), so it may be pasted and nothing has to be mixed. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { TextField } from '../components/field.ts'

const lengthMin = 12

export function passwordProblem(password: string, again: string): string | undefined {
  if (password.length < lengthMin) return `Use at least ${lengthMin} characters.`
  return again !== '' && again !== password ? 'The two are not the same.' : undefined
}

interface NewPasswordProps {
  readonly password: string
  readonly again: string
  readonly onPassword: (value: string) => void
  readonly onAgain: (value: string) => void
}

export function NewPassword({ password, again, onPassword, onAgain }: NewPasswordProps): VNode {
  const isShort = password !== '' && password.length < lengthMin
  return html`<${TextField} label="New password" type="password" value=${password} onChange=${onPassword} autocomplete="new-password"
      isRequired hint=${`At least ${lengthMin} characters. A few words in a row are good.`}
      problem=${isShort && again !== '' ? passwordProblem(password, again) : undefined} />
    <${TextField} label="New password again" type="password" value=${again} onChange=${onAgain} autocomplete="new-password"
      isRequired problem=${isShort ? undefined : passwordProblem(password, again) !== undefined && again !== '' ? passwordProblem(password, again) : undefined} />`
}
