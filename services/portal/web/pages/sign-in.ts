/** Sign in with a name and a password, or through the organisation's own sign-in. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { TextField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Callout, Failure } from '../components/states.ts'
import { type ApiFailure, failureOf, urlOf } from '../lib/api.ts'
import { place } from '../lib/router.ts'
import { session, signIn } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'
import { Front } from './front.ts'

export function SignInPage(): VNode {
  const { query } = useStore(place)
  return html`<${Front} title="Sign in" lead="Manage your SIEM agents and see what they deliver.">
    ${query.get('error') && html`<${Callout} tone="bad"><p>${query.get('error')}</p><//>`}
    <${SignInForm} />
  <//>`
}

export function SignInForm({ name: known = '' }: { readonly name?: string }): VNode {
  const oidc = useStore(session)?.oidc
  const [name, setName] = useState(known)
  const [password, setPassword] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const submit = async (event: Event) => {
    event.preventDefault()
    if (isBusy) return
    setIsBusy(true)
    setFailure(undefined)
    try {
      await signIn(name, password)
    } catch (error) {
      setFailure(failureOf(error))
      setPassword('')
      setIsBusy(false)
    }
  }
  return html`<form class="stack" onSubmit=${submit}>
    ${
      oidc &&
      html`<a class="button button-wide" href=${urlOf('/oidc/start')}><${Icon} name="key" />Sign in with ${oidc.name}</a>
        <p class="or"><span>or</span></p>`
    }
    <${TextField} label="Name" name="username" value=${name} onChange=${setName} autocomplete="username" isRequired />
    <${TextField} label="Password" name="password" type="password" value=${password} onChange=${setPassword} autocomplete="current-password" isRequired />
    ${failure && html`<${Failure} failure=${failure} />`}
    <button type="submit" class="button button-primary button-wide" disabled=${isBusy}>${isBusy ? 'Signing in…' : 'Sign in'}</button>
  </form>`
}
