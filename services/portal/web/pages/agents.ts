/** SIEM agents: the table everything starts from. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { AgentRow } from '../../src/contract/agents.ts'
import { menuOf } from '../agents/actions.ts'
import { agentColumns, optionalColumns } from '../agents/columns.ts'
import { NotificationPanel } from '../agents/notifications.ts'
import { TokenDialog } from '../agents/token.ts'
import { countStates, viewAgents } from '../agents/view.ts'
import { type AgentState, agentStates, stateWords } from '../agents/words.ts'
import { CheckField, SelectField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Menu } from '../components/menu.ts'
import { Page } from '../components/page.ts'
import { Popover } from '../components/popover.ts'
import { Empty, Loading } from '../components/states.ts'
import { Pager, type Sorting, Table } from '../components/table.ts'
import { get } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { recall, remember } from '../lib/remember.ts'
import { navigate, place, setQuery } from '../lib/router.ts'
import { isAdmin } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'

const refreshMs = 10_000
const pageSizes = ['25', '50', '100'] as const

export function AgentsPage(): VNode {
  const agents = useLoad((signal) => get<{ agents: AgentRow[] }>('/agents', {}, signal), [], refreshMs)
  const actions =
    isAdmin() &&
    html`<${AddAgent} hasSentinel=${agents.data?.agents.some(({ destination }) => destination.kind === 'sentinel') ?? false} />`
  return html`<${Page} title="SIEM agents" lead="Each agent sends alerts, activities or discovery logs to one SIEM, with its own format and filters." actions=${actions}>
    <${Loading} of=${agents}>${(data: { agents: AgentRow[] }) => html`<${Agents} agents=${data.agents} reload=${agents.reload} />`}<//>
  <//>`
}

function AddAgent({ hasSentinel }: { readonly hasSentinel: boolean }): VNode {
  return html`<${Menu} label="Add SIEM agent" className="button button-primary" items=${[
    {
      label: 'Generic SIEM',
      hint: 'Integrate with your SIEM server',
      icon: 'server',
      onSelect: () => void navigate('/agents/new/syslog'),
    },
    {
      label: 'Microsoft Sentinel',
      hint: hasSentinel ? 'Add another Microsoft Sentinel workspace' : 'Integrate to Microsoft cloud-native SIEM',
      icon: 'cloud',
      onSelect: () => void navigate('/agents/new/sentinel'),
    },
  ]}><${Icon} name="plus" />Add SIEM agent<${Icon} name="chevron" size=${14} /><//>`
}

function Agents({ agents, reload }: { readonly agents: readonly AgentRow[]; readonly reload: () => void }): VNode {
  const { query } = useStore(place)
  const search = query.get('search') ?? ''
  const state = agentStates.find((one) => one === query.get('status')) ?? 'all'
  const [sorting, setSorting] = useState<Sorting>({ key: 'name', isDescending: false })
  const [offset, setOffset] = useState(0)
  const [hidden, setHidden] = useState<readonly string[]>(() =>
    (recall('agents.hidden') ?? '').split(',').filter(Boolean),
  )
  const [size, setSize] = useState(() => Number(recall('agents.size') ?? 50))
  const [noted, setNoted] = useState<string | undefined>(undefined)
  const [issued, setIssued] = useState<{ agent: AgentRow; token: string } | undefined>(undefined)
  const shown = useMemo(() => viewAgents(agents, { search, state, sorting }), [agents, search, state, sorting])
  useEffect(() => setOffset(0), [search, state, sorting])
  const counts = useMemo(() => countStates(agents), [agents])
  const at = offset < shown.length ? offset : 0
  const nowMs = Date.now()
  if (agents.length === 0) return html`<${NoAgents} />`
  const notedAgent = agents.find(({ id }) => id === noted)
  const parts = {
    isAdmin: isAdmin(),
    onChanged: reload,
    onToken: (agent: AgentRow, token: string) => setIssued({ agent, token }),
  }
  const columns = agentColumns({
    nowMs,
    menuOf: (agent) => menuOf(agent, parts),
    onNotifications: ({ id }) => setNoted(id),
  })
  return html`<div class="toolbar">
      <label class="search"><${Icon} name="search" size=${18} /><span class="hidden">Search agents</span>
        <input class="input" type="search" placeholder="Search" value=${search}
          onInput=${(event: InputEvent) => setQuery({ search: (event.target as HTMLInputElement).value })} /></label>
      <${StateFilter} counts=${counts} total=${agents.length} state=${state} />
      <span class="grow"></span>
      <${Pager} offset=${at} size=${size} total=${shown.length} what="SIEM agents" onMove=${setOffset} />
      <${TableSettings} hidden=${hidden} size=${size}
        onHidden=${(next: readonly string[]) => {
          remember('agents.hidden', next.join(','))
          setHidden(next)
        }}
        onSize=${(next: number) => {
          remember('agents.size', String(next))
          setSize(next)
        }} />
    </div>
    ${
      shown.length === 0
        ? html`<${Empty} icon="search" title="No agent matches">
            <p><button type="button" class="link-button" onClick=${() => setQuery({ search: '', status: '' })}>Show all ${agents.length} agents</button></p>
          <//>`
        : html`<${Table} caption="SIEM agents" columns=${columns.filter(({ key }) => !hidden.includes(key))} rows=${shown.slice(at, at + size)}
            rowCount=${shown.length} keyOf=${({ id }: AgentRow) => id} sorting=${sorting} onSort=${setSorting}
            rowClass=${({ enabled }: AgentRow) => (enabled ? '' : 'row-off')} />`
    }
    ${notedAgent && html`<${NotificationPanel} agent=${notedAgent} nowMs=${nowMs} onClose=${() => setNoted(undefined)} />`}
    ${issued && html`<${TokenDialog} name=${issued.agent.name} token=${issued.token} onClose=${() => setIssued(undefined)} />`}`
}

function StateFilter({
  counts,
  total,
  state,
}: {
  readonly counts: ReadonlyMap<AgentState, number>
  readonly total: number
  readonly state: AgentState | 'all'
}): VNode {
  const chip = (value: string, label: string, count: number) => html`<button type="button" class="chip" key=${value}
    aria-pressed=${state === value} onClick=${() => setQuery({ status: value === 'all' ? '' : value })}>${label} <span class="chip-count">${count}</span></button>`
  return html`<div class="chips" role="group" aria-label="Filter by status">
    ${chip('all', 'All', total)}
    ${agentStates.filter((one) => counts.has(one)).map((one) => chip(one, stateWords[one].label, counts.get(one) ?? 0))}
  </div>`
}

interface SettingsProps {
  readonly hidden: readonly string[]
  readonly size: number
  readonly onHidden: (hidden: readonly string[]) => void
  readonly onSize: (size: number) => void
}

const columnLabels = {
  owner: 'Created by / Token owner',
  type: 'Type',
  lastConnection: 'Last connection',
  notifications: 'Agent notifications',
} as const satisfies Record<(typeof optionalColumns)[number], string>

function TableSettings({ hidden, size, onHidden, onSize }: SettingsProps): VNode {
  return html`<${Popover} label="Table settings" button=${html`<${Icon} name="table" size=${18} />Table settings`}>
    <div class="stack">
      <fieldset class="plain"><legend class="field-label">Columns</legend>
        ${optionalColumns.map(
          (key) => html`<${CheckField} key=${key} label=${columnLabels[key]} isOn=${!hidden.includes(key)}
            onChange=${(isOn: boolean) => onHidden(isOn ? hidden.filter((one) => one !== key) : [...hidden, key])} />`,
        )}
      </fieldset>
      <${SelectField} label="Rows per page" value=${String(size)} choices=${pageSizes.map((value) => ({ value, label: value }))}
        onChange=${(value: string) => onSize(Number(value))} />
    </div>
  <//>`
}

function NoAgents(): VNode {
  return html`<${Empty} icon="agents" title="No SIEM agents yet">
    <p>An agent sends what Defender for Cloud Apps finds to your SIEM. ${isAdmin() ? 'Which one do you have?' : 'An admin can add one.'}</p>
    ${
      isAdmin() &&
      html`<div class="actions actions-middle">
        <button type="button" class="button button-primary" onClick=${() => void navigate('/agents/new/syslog')}><${Icon} name="server" />Generic SIEM</button>
        <button type="button" class="button" onClick=${() => void navigate('/agents/new/sentinel')}><${Icon} name="cloud" />Microsoft Sentinel</button>
      </div>`
    }
  <//>`
}
