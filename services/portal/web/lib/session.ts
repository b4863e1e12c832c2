/** Who is signed in, and how somebody signs in again while a page is open. */
import type { Session } from '../../src/contract/access.ts'
import { get, onSessionEnded, send, setCsrfToken } from './api.ts'
import { createStore } from './store.ts'

export const session = createStore<Session | undefined>(undefined)
/** True while the dialog asks to sign in again over the page that is open. */
export const isAskingToSignIn = createStore(false)

let waiting: { promise: Promise<boolean>; resolve: (isBack: boolean) => void } | undefined

onSessionEnded(() => {
  // Several requests fail together; they wait for one answer.
  waiting ??= Promise.withResolvers<boolean>()
  isAskingToSignIn.set(true)
  return waiting.promise
})

function answer(isBack: boolean): void {
  isAskingToSignIn.set(false)
  waiting?.resolve(isBack)
  waiting = undefined
}

function take(next: Session): void {
  setCsrfToken(next.csrfToken)
  session.set(next)
}

export async function loadSession(): Promise<void> {
  take(await get<Session>('/session'))
}

export async function signIn(name: string, password: string): Promise<void> {
  take(await send<Session>('POST', '/session', { name, password }, { isAnonymous: true }))
  if (session.get()?.state !== 'signed-in') await loadSession()
  answer(true)
}

export async function setUp(token: string, name: string, password: string): Promise<void> {
  take(await send<Session>('POST', '/setup', { token, name, password }, { isAnonymous: true }))
  if (session.get()?.state !== 'signed-in') await loadSession()
}

export async function signOut(): Promise<void> {
  await send('DELETE', '/session', undefined, { isAnonymous: true }).catch(() => undefined)
  answer(false)
  await loadSession()
}

/** Gives up what is open; the sign-in page comes. */
export async function leaveEndedSession(): Promise<void> {
  answer(false)
  await loadSession()
}

export function isAdmin(): boolean {
  return session.get()?.account?.role === 'admin'
}
