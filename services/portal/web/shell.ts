/** What stands around every page: skip link, navigation, account, and what is true everywhere, such as that the relay is away. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Icon } from './components/icons.ts'
import { Menu } from './components/menu.ts'
import { Empty, Failure, Skeleton } from './components/states.ts'
import { type ApiFailure, failureOf, isReachable } from './lib/api.ts'
import { href, navigate, place } from './lib/router.ts'
import { session, signOut } from './lib/session.ts'
import { useStore } from './lib/store.ts'
import { applyTheme, theme, themes } from './lib/theme.ts'
import { match, navigation, type PageComponent, type Params } from './routes.ts'

export function Shell(): VNode {
  const { path } = useStore(place)
  const [isNavOpen, setIsNavOpen] = useState(false)
  useEffect(() => setIsNavOpen(false), [path])
  return html`<div class="shell">
    <a class="skip" href="#main">Skip to content</a>
    <header class="bar">
      <button type="button" class="button button-quiet button-icon nav-button" aria-expanded=${isNavOpen} aria-controls="navigation"
        aria-label="Navigation" onClick=${() => setIsNavOpen(!isNavOpen)}><${Icon} name=${isNavOpen ? 'cross' : 'menu'} /></button>
      <a class="brand" href=${href('/agents')}><span class="brand-mark"><${Icon} name="shield" size=${18} /></span>siem-relay</a>
      <span class="grow"></span>
      <${Account} />
    </header>
    <${Navigation} path=${path} isOpen=${isNavOpen} />
    <main id="main" class="main" tabindex="-1">
      <${Connection} />
      <${Outlet} path=${path} />
    </main>
  </div>`
}

function Navigation({ path, isOpen }: { readonly path: string; readonly isOpen: boolean }): VNode {
  const { version } = useStore(session)!
  return html`<nav id="navigation" class=${`nav${isOpen ? ' nav-open' : ''}`} aria-label="Main">
    ${navigation.map(
      ({ label, items }) => html`<div class="nav-group" key=${label}>
        <h2 class="nav-label">${label}</h2>
        <ul>
          ${items.map(
            (item) => html`<li key=${item.path}>
              <a class="nav-link" href=${href(item.path)} aria-current=${path.startsWith(item.path) ? 'page' : undefined}>
                <${Icon} name=${item.icon} />${item.label}
              </a>
            </li>`,
          )}
        </ul>
      </div>`,
    )}
    <p class="nav-version">Version ${version}</p>
  </nav>`
}

function Account(): VNode {
  const { account } = useStore(session)!
  const chosen = useStore(theme)
  const next = themes[(themes.indexOf(chosen) + 1) % themes.length] ?? 'system'
  const themeLabel = `Theme: ${chosen}. Change to ${next}.`
  return html`<button type="button" class="button button-quiet button-icon" title=${themeLabel} aria-label=${themeLabel}
      onClick=${() => applyTheme(next)}><${Icon} name="sun" /></button>
    <${Menu} label=${`Account ${account?.name ?? ''}`} className="button button-quiet account" items=${[
      { label: 'Change password', icon: 'key', onSelect: () => void navigate('/password') },
      { label: 'Sign out', icon: 'power', onSelect: () => void signOut() },
    ]}>
      <${Icon} name="user" /><span class="account-name">${account?.name}</span>
      ${account?.role === 'viewer' && html`<span class="tag">Read-only</span>`}
      <${Icon} name="chevron" size=${14} />
    <//>`
}

function Connection(): VNode {
  const isUp = useStore(isReachable)
  return html`<div role="status">
    ${
      !isUp &&
      html`<div class="callout callout-warn connection">
        <${Icon} name="warning" />
        <div class="callout-body"><strong>The relay cannot be reached.</strong>
          <p>What you see may be old. Nothing you typed is lost; it goes on by itself once the relay answers.</p></div>
      </div>`
    }
  </div>`
}

interface Opened {
  readonly path: string
  readonly page?: PageComponent
  readonly params?: Params
  readonly failure?: ApiFailure
}

/** The page of the path; the one before stays until the next is there. */
function Outlet({ path }: { readonly path: string }): VNode | null {
  const [opened, setOpened] = useState<Opened | undefined>(undefined)
  const [round, setRound] = useState(0)
  useEffect(() => {
    let isLeft = false
    const found = match(path)
    if (found === undefined) return setOpened({ path })
    found.route.load().then(
      (page) => {
        if (!isLeft) setOpened({ path, page, params: found.params })
      },
      (error: unknown) => {
        if (!isLeft) setOpened({ path, failure: failureOf(error) })
      },
    )
    return () => {
      isLeft = true
    }
  }, [path, round])
  if (opened === undefined) return html`<${Skeleton} />`
  if (opened.failure !== undefined)
    return html`<${Failure} failure=${opened.failure} onRetry=${() => setRound(round + 1)} />`
  if (opened.page === undefined)
    return path === '/'
      ? null
      : html`<${Empty} icon="search" title="There is no such page">
          <p>The address may be old. <a href=${href('/agents')}>Go to the SIEM agents</a>.</p>
        <//>`
  return html`<${opened.page} key=${opened.path} params=${opened.params} />`
}
