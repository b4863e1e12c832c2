/** Pages by path, with the browser's history, under whatever prefix the portal is mounted. A page may ask before it is left. */
import { useLayoutEffect } from 'preact/hooks'
import { root } from './root.ts'
import { createStore } from './store.ts'

export interface Place {
  /** Without the prefix, such as `/agents`. */
  readonly path: string
  readonly query: URLSearchParams
}

export const place = createStore<Place>(read())

/** Asks whether the page may be left. */
let guard: (() => Promise<boolean>) | undefined
let shownUrl = location.href

function read(): Place {
  const { pathname, search } = location
  const path = pathname.startsWith(root) ? `/${pathname.slice(root.length)}` : '/'
  return { path: path === '/' ? path : path.replace(/\/+$/, ''), query: new URLSearchParams(search) }
}

/** The address of a path of ours. */
export function href(path: string): string {
  return root + path.replace(/^\//, '')
}

export async function navigate(path: string, { isReplacing = false, isForced = false } = {}): Promise<void> {
  if (!isForced && guard !== undefined && !(await guard())) return
  guard = undefined
  history[isReplacing ? 'replaceState' : 'pushState'](null, '', href(path))
  arrive()
}

/** Changes the query of the page that is open, without a new entry in the history. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = place.get()
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') next.delete(name)
    else next.set(name, value)
  }
  history.replaceState(null, '', href(path) + (next.size > 0 ? `?${next}` : ''))
  arrive()
}

function arrive(): void {
  shownUrl = location.href
  place.set(read())
}

addEventListener('popstate', () => {
  if (guard === undefined || isSamePage()) return arrive()
  // The browser is already there: come back first, then ask.
  const target = location.href
  history.pushState(null, '', shownUrl)
  void guard().then((mayLeave) => {
    if (!mayLeave) return
    guard = undefined
    history.replaceState(null, '', target)
    arrive()
  })
})

/** A step within the page, such as to a heading, leaves nothing. */
function isSamePage(): boolean {
  const shown = new URL(shownUrl)
  return shown.pathname === location.pathname && shown.search === location.search
}

/** Clicks on links to our own pages stay in this document. */
export function followLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null
    if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.hasAttribute('download')) return
    if (link.origin !== location.origin || !link.pathname.startsWith(root) || isFile(link.pathname)) return
    if (link.hash !== '' && link.pathname === location.pathname) return
    event.preventDefault()
    void navigate(`/${link.pathname.slice(root.length)}${link.search}`)
  })
}

function isFile(pathname: string): boolean {
  return /^(api|assets|docs)\//.test(pathname.slice(root.length))
}

/** @param ask resolves to true when the page may be left; it is asked while `isDirty`. */
export function useLeaveGuard(isDirty: boolean, ask: () => Promise<boolean>): void {
  // At once: what was typed must not be lost to somebody who is fast.
  useLayoutEffect(() => {
    if (!isDirty) return
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    guard = ask
    addEventListener('beforeunload', warn)
    return () => {
      guard = undefined
      removeEventListener('beforeunload', warn)
    }
  }, [isDirty])
}
