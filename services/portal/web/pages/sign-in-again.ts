/** The session ended while a page was open: sign in over it, and nothing that was typed is lost. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Dialog } from '../components/dialog.ts'
import { isAskingToSignIn, leaveEndedSession, session } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'
import { SignInForm } from './sign-in.ts'

export function SignInAgain(): VNode | null {
  const isAsking = useStore(isAskingToSignIn)
  const name = useStore(session)?.account?.name
  if (!isAsking) return null
  return html`<${Dialog} title="Sign in again" onClose=${() => void leaveEndedSession()}>
    <p class="prose">Your session has ended. Sign in and go on where you were; what you typed is still there.</p>
    <${SignInForm} name=${name} />
  <//>`
}
