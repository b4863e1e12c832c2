/** One's own password. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { TextField } from '../components/field.ts'
import { Page } from '../components/page.ts'
import { Failure } from '../components/states.ts'
import { say } from '../components/toast.ts'
import { type ApiFailure, failureOf, send } from '../lib/api.ts'
import { navigate } from '../lib/router.ts'
import { loadSession } from '../lib/session.ts'
import { NewPassword, passwordProblem } from './new-password.ts'

export function PasswordPage(): VNode {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const isReady = current !== '' && again !== '' && passwordProblem(next, again) === undefined
  const submit = async (event: Event) => {
    event.preventDefault()
    if (!isReady || isBusy) return
    setIsBusy(true)
    try {
      await send('PUT', '/password', { current, next })
      await loadSession()
      say('Password changed')
      await navigate('/agents')
    } catch (error) {
      setFailure(failureOf(error))
      setIsBusy(false)
    }
  }
  return html`<${Page} title="Change password" lead="Your other sessions end with the old password.">
    <form class="card card-narrow stack" onSubmit=${submit}>
      <${TextField} label="Current password" type="password" value=${current} onChange=${setCurrent} autocomplete="current-password" isRequired />
      <${NewPassword} password=${next} again=${again} onPassword=${setNext} onAgain=${setAgain} />
      ${failure && html`<${Failure} failure=${failure} />`}
      <div class="actions"><button type="submit" class="button button-primary" disabled=${!isReady || isBusy}>Change password</button></div>
    </form>
  <//>`
}
