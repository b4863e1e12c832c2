/** The first admin, made with the link that siem-relay wrote when it started for the first time. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { TextField } from '../components/field.ts'
import { Callout, Failure } from '../components/states.ts'
import { type ApiFailure, failureOf } from '../lib/api.ts'
import { navigate, place } from '../lib/router.ts'
import { setUp } from '../lib/session.ts'
import { Front } from './front.ts'
import { NewPassword, passwordProblem } from './new-password.ts'

/** The link carries the token behind `#`, which browsers send to nobody; a query is taken as well. */
function tokenOfLink(): string {
  const hash = location.hash.slice(1)
  return new URLSearchParams(hash).get('token') ?? place.get().query.get('token') ?? (hash.includes('=') ? '' : hash)
}

export function SetUpPage(): VNode {
  const [token, setToken] = useState(tokenOfLink)
  const [hadLink] = useState(token !== '')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const isReady = token !== '' && name.trim() !== '' && passwordProblem(password, again) === undefined && again !== ''
  const submit = async (event: Event) => {
    event.preventDefault()
    if (!isReady || isBusy) return
    setIsBusy(true)
    try {
      await setUp(token, name.trim(), password)
      await navigate('/agents', { isReplacing: true })
    } catch (error) {
      setFailure(failureOf(error))
      setIsBusy(false)
    }
  }
  return html`<${Front} title="Welcome" lead="Make the first account. It is an admin and can add others.">
    <form class="stack" onSubmit=${submit}>
      ${
        !hadLink &&
        html`<${Callout} tone="info">
            <p>Open the set-up link that siem-relay wrote to its log when it started, or paste the code at its end here.</p>
          <//>
          <${TextField} label="Set-up code" value=${token} onChange=${setToken} isRequired />`
      }
      <${TextField} label="Your name" name="username" value=${name} onChange=${setName} autocomplete="username" isRequired
        problem=${failure?.problems.find(({ path }) => path[0] === 'name')?.message} />
      <${NewPassword} password=${password} again=${again} onPassword=${setPassword} onAgain=${setAgain} />
      ${failure && html`<${Failure} failure=${failure} />`}
      <button type="submit" class="button button-primary button-wide" disabled=${!isReady || isBusy}>${isBusy ? 'Working…' : 'Create account'}</button>
    </form>
  <//>`
}
