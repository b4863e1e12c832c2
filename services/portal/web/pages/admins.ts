/** Admins: who may sign in, and as what. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Account, Role } from '../../src/contract/access.ts'
import { AccountDialog, PasswordDialog, RemovalDialog } from '../admins/dialogs.ts'
import { ask } from '../components/dialog.ts'
import { Icon } from '../components/icons.ts'
import { Menu, type MenuItem } from '../components/menu.ts'
import { Page } from '../components/page.ts'
import { Loading } from '../components/states.ts'
import { type Column, Table } from '../components/table.ts'
import { say } from '../components/toast.ts'
import { failureOf, get, send } from '../lib/api.ts'
import { agoText, dayText, momentText, plural } from '../lib/format.ts'
import { useLoad } from '../lib/load.ts'
import { isAdmin, session } from '../lib/session.ts'

type Opened = { readonly kind: 'new' } | { readonly kind: 'password' | 'remove'; readonly account: Account }

export function AdminsPage(): VNode {
  const accounts = useLoad((signal) => get<{ accounts: Account[] }>('/accounts', {}, signal), [])
  const [opened, setOpened] = useState<Opened | undefined>(undefined)
  const done = (text: string) => {
    setOpened(undefined)
    say(text)
    accounts.reload()
  }
  const close = () => setOpened(undefined)
  const actions =
    isAdmin() &&
    html`<button type="button" class="button button-primary" onClick=${() => setOpened({ kind: 'new' })}><${Icon} name="plus" />Add account</button>`
  return html`<${Page} title="Admins" lead="Admins change things; viewers see everything that is no secret and change nothing." actions=${actions}>
    <${Loading} of=${accounts}>${(data: {
      accounts: Account[]
    }) => html`<${Table} caption="Accounts" rows=${data.accounts} keyOf=${({ name }: Account) => name}
      columns=${columnsOf((account) => menuOf(account, setOpened, done))} />`}<//>
    ${opened?.kind === 'new' && html`<${AccountDialog} onClose=${close} onDone=${done} />`}
    ${opened?.kind === 'password' && html`<${PasswordDialog} account=${opened.account} onClose=${close} onDone=${done} />`}
    ${opened?.kind === 'remove' && html`<${RemovalDialog} account=${opened.account} onClose=${close} onDone=${done} />`}
  <//>`
}

function columnsOf(itemsOf: (account: Account) => readonly MenuItem[]): readonly Column<Account>[] {
  const nowMs = Date.now()
  const own = session.get()?.account?.name
  const columns: readonly Column<Account>[] = [
    {
      key: 'name',
      label: 'Name',
      cell: ({ name }) =>
        html`<span class="row-name"><bdi>${name}</bdi></span>${name === own && html` <span class="tag">you</span>`}`,
    },
    { key: 'role', label: 'Role', cell: ({ role }) => (role === 'admin' ? 'Admin' : 'Viewer (read-only)') },
    {
      key: 'origin',
      label: 'Signs in with',
      cell: ({ origin }) => (origin === 'local' ? 'Password' : (session.get()?.oidc?.name ?? 'OpenID Connect')),
    },
    {
      key: 'seen',
      label: 'Last sign-in',
      cell: ({ lastSignInMs, sessions }) =>
        html`${
          lastSignInMs === undefined
            ? 'never'
            : html`<time title=${momentText(lastSignInMs)}>${agoText(lastSignInMs, nowMs)}</time>`
        }<span class="minor">${plural(sessions, 'session')}</span>`,
    },
    {
      key: 'tokens',
      label: 'Token owner of',
      cell: ({ tokensOf }) =>
        tokensOf.length === 0 ? '—' : html`<bdi>${tokensOf.map(({ name }) => name).join(', ')}</bdi>`,
    },
    { key: 'created', label: 'Created', cell: ({ createdMs }) => dayText(createdMs) },
  ]
  if (!isAdmin()) return columns
  return [
    ...columns,
    {
      key: 'menu',
      label: 'Actions',
      isLabelHidden: true,
      className: 'col-menu',
      cell: (account) =>
        html`<${Menu} label=${`Actions for ${account.name}`} className="button button-quiet button-icon" items=${itemsOf(account)}><${Icon} name="dots" /><//>`,
    },
  ]
}

function menuOf(account: Account, open: (opened: Opened) => void, done: (text: string) => void): readonly MenuItem[] {
  const { name, role, origin, sessions } = account
  const isOwn = session.get()?.account?.name === name
  const other: Role = role === 'admin' ? 'viewer' : 'admin'
  const isForeign = origin === 'oidc'
  return [
    {
      label: other === 'admin' ? 'Make admin' : 'Make viewer',
      icon: 'user',
      isDisabled: isForeign || isOwn,
      ...(isForeign ? { hint: 'Its groups decide' } : isOwn ? { hint: 'Another admin has to' } : {}),
      onSelect: () => void change(name, other, done),
    },
    {
      label: 'Set a new password',
      icon: 'key',
      isDisabled: isForeign,
      onSelect: () => open({ kind: 'password', account }),
    },
    {
      label: 'Sign out everywhere',
      icon: 'power',
      isDisabled: sessions === 0,
      onSelect: () => void signOutEverywhere(name, done),
    },
    {
      label: 'Remove…',
      icon: 'trash',
      isDangerous: true,
      isDisabled: isOwn,
      onSelect: () => open({ kind: 'remove', account }),
    },
  ]
}

async function change(name: string, role: Role, done: (text: string) => void): Promise<void> {
  try {
    await send('PATCH', `/accounts/${encodeURIComponent(name)}`, { role })
    done(`${name} is ${role === 'admin' ? 'an admin' : 'a viewer'} now`)
  } catch (error) {
    say(failureOf(error).message, { isBad: true })
  }
}

async function signOutEverywhere(name: string, done: (text: string) => void): Promise<void> {
  const isDone = await ask({
    title: 'Sign out everywhere?',
    body: html`<p>All sessions of <strong><bdi>${name}</bdi></strong> end at once.</p>`,
    yes: 'Sign out',
    act: () => send('DELETE', `/accounts/${encodeURIComponent(name)}/sessions`),
  })
  if (isDone) done(`${name} is signed out everywhere`)
}
