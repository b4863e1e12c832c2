/** What is shown depends on who is there: set-up, sign-in, or the shell with the page of the path. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { Questions } from './components/dialog.ts'
import { Failure, Skeleton } from './components/states.ts'
import { Toasts } from './components/toast.ts'
import { useLoad } from './lib/load.ts'
import { navigate, place } from './lib/router.ts'
import { loadSession, session } from './lib/session.ts'
import { useStore } from './lib/store.ts'
import { SetUpPage } from './pages/set-up.ts'
import { SignInPage } from './pages/sign-in.ts'
import { SignInAgain } from './pages/sign-in-again.ts'
import { Shell } from './shell.ts'

export function App(): VNode {
  const first = useLoad(loadSession, [])
  const known = useStore(session)
  const { path } = useStore(place)
  useEffect(() => {
    if (known?.state === 'signed-in' && (path === '/' || path === '/sign-in' || path === '/setup'))
      void navigate('/agents', { isReplacing: true, isForced: true })
  }, [known, path])
  if (known === undefined)
    return html`<main class="alone">
      ${first.failure ? html`<${Failure} failure=${first.failure} onRetry=${first.reload} />` : html`<${Skeleton} />`}
    </main>`
  return html`${known.state === 'setup' ? html`<${SetUpPage} />` : known.state === 'signed-out' ? html`<${SignInPage} />` : html`<${Shell} />`}
    <${SignInAgain} />
    <${Questions} />
    <${Toasts} />`
}
