/** What the menu of a row does. Anything that changes an agent names the revision it was made for. */
import { html } from 'htm/preact'
import type { AgentRow } from '../../src/contract/agents.ts'
import { ask } from '../components/dialog.ts'
import type { MenuItem } from '../components/menu.ts'
import { say } from '../components/toast.ts'
import { failureOf, send } from '../lib/api.ts'
import { navigate } from '../lib/router.ts'

interface Actions {
  readonly isAdmin: boolean
  readonly onChanged: () => void
  readonly onToken: (agent: AgentRow, token: string) => void
}

export function agentPath({ id }: Pick<AgentRow, 'id'>, rest = ''): string {
  return `/agents/${encodeURIComponent(id)}${rest}`
}

export function menuOf(agent: AgentRow, { isAdmin, onChanged, onToken }: Actions): readonly MenuItem[] {
  const isOfFile = agent.managedBy === 'file'
  const mayChange = isAdmin && !isOfFile
  const fileHint = isOfFile ? { hint: 'Belongs to the configuration file' } : isAdmin ? {} : { hint: 'Only for admins' }
  const hasToken = agent.runs === 'remote'
  const tokenHint = hasToken ? {} : { hint: 'Runs in this relay: needs no token' }
  return [
    {
      label: mayChange ? 'Edit' : 'View settings',
      icon: 'edit',
      onSelect: () => void navigate(agentPath(agent, '/edit')),
    },
    {
      label: 'Regenerate token',
      icon: 'key',
      isDisabled: !mayChange || !hasToken,
      ...(hasToken ? fileHint : tokenHint),
      onSelect: () => void regenerate(agent, onToken, onChanged),
    },
    {
      label: agent.enabled ? 'Disable' : 'Enable',
      icon: 'power',
      isDisabled: !mayChange,
      ...fileHint,
      onSelect: () => void setEnabled(agent, !agent.enabled, onChanged),
    },
    {
      label: 'Preview',
      icon: 'eye',
      isDisabled: !isAdmin,
      ...(isAdmin ? {} : { hint: 'Only for admins' }),
      onSelect: () => void navigate(agentPath(agent, '/preview')),
    },
    { label: 'Replay', icon: 'replay', onSelect: () => void navigate(`/replay?agent=${encodeURIComponent(agent.id)}`) },
    {
      label: 'Delete…',
      icon: 'trash',
      isDangerous: true,
      isDisabled: !mayChange,
      ...fileHint,
      onSelect: () => void remove(agent, onChanged),
    },
  ]
}

async function setEnabled(agent: AgentRow, enabled: boolean, onChanged: () => void): Promise<void> {
  try {
    await send('PATCH', agentPath(agent, '/enabled'), { revision: agent.revision, enabled })
    say(enabled ? `${agent.name} is enabled` : `${agent.name} is disabled; its place is kept`)
  } catch (error) {
    say(failureOf(error).message, { isBad: true })
  }
  onChanged()
}

async function regenerate(agent: AgentRow, onToken: Actions['onToken'], onChanged: () => void): Promise<void> {
  let token = ''
  const isDone = await ask({
    title: 'Regenerate token',
    body: html`<p>The token of <strong>${agent.name}</strong> stops working at once. The agent is disconnected until it is started with the new one;
      what it has not delivered stays in the log.</p>`,
    yes: 'Regenerate token',
    act: async () => {
      token = (await send<{ token: string }>('POST', agentPath(agent, '/token'))).token
    },
  })
  if (!isDone) return
  onToken(agent, token)
  onChanged()
}

async function remove(agent: AgentRow, onChanged: () => void): Promise<void> {
  const isDone = await ask({
    title: 'Delete SIEM agent',
    body: html`<p><strong>${agent.name}</strong> stops delivering to <bdi>${agent.destination.text}</bdi>. What is kept for it goes as well${
      (agent.pending ?? 0) > 0
        ? `, ${agent.pending?.toLocaleString('en-US')} messages that were not delivered among it`
        : ''
    }. This cannot be undone.</p>`,
    yes: 'Delete',
    isDangerous: true,
    typed: agent.name,
    act: () => send('DELETE', agentPath(agent), { revision: agent.revision, name: agent.name }),
  })
  if (!isDone) return
  say(`${agent.name} was deleted`)
  onChanged()
}
