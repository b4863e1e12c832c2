/** The columns of the table, named and ordered as the SIEM agents page of Defender for Cloud Apps had them. */
import { html } from 'htm/preact'
import type { AgentRow } from '../../src/contract/agents.ts'
import { Icon } from '../components/icons.ts'
import { Menu, type MenuItem } from '../components/menu.ts'
import type { Column } from '../components/table.ts'
import { agoText, dayText, momentText } from '../lib/format.ts'
import { href } from '../lib/router.ts'
import { agentPath } from './actions.ts'
import { NotificationCount } from './notifications.ts'
import { AgentStatus } from './state.ts'
import { formatText, typesText } from './words.ts'

/** An address breaks behind its dots and before its port, if it has to. */
const breakable = (address: string) =>
  address.split(/(?<=\.)|(?=:)/).map((part, index) => (index === 0 ? part : html`<wbr />${part}`))

interface ColumnParts {
  readonly nowMs: number
  readonly menuOf: (agent: AgentRow) => readonly MenuItem[]
  readonly onNotifications: (agent: AgentRow) => void
}

export function agentColumns({ nowMs, menuOf, onNotifications }: ColumnParts): readonly Column<AgentRow>[] {
  return [
    {
      key: 'name',
      label: 'Name',
      isSortable: true,
      className: 'col-name',
      cell: (agent) => html`<a class="row-name" href=${href(agentPath(agent, '/edit'))}><bdi>${agent.name}</bdi></a>
        <span class="minor"><bdi>${breakable(agent.destination.text)}</bdi></span>`,
    },
    {
      key: 'owner',
      label: 'Created by / Token owner',
      className: 'col-owner',
      cell: (agent) =>
        agent.managedBy === 'file'
          ? html`<span class="minor">Configuration file</span>`
          : html`<bdi>${agent.createdBy ?? '—'}</bdi>${
              agent.token !== undefined &&
              html`<span class="minor with-icon"><${Icon} name="key" size=${14} /><bdi>${agent.token.owner}</bdi></span>`
            }`,
    },
    {
      key: 'type',
      label: 'Type',
      className: 'col-type',
      cell: (agent) => html`${typesText(agent.types)}
        <span class="minor">${formatText(agent.format)}${agent.runs === 'remote' && html` · <span class="tag">Remote</span>`}</span>`,
    },
    {
      key: 'status',
      label: 'Status',
      isSortable: true,
      className: 'col-status',
      cell: (agent) => html`<${AgentStatus} agent=${agent} nowMs=${nowMs} />`,
    },
    {
      key: 'lastConnection',
      label: 'Last connection',
      isSortable: true,
      cell: ({ lastConnectionMs }) =>
        lastConnectionMs === undefined
          ? '—'
          : html`<time datetime=${new Date(lastConnectionMs).toISOString()} title=${momentText(lastConnectionMs)}>${dayText(lastConnectionMs)}</time>
              <span class="minor">${agoText(lastConnectionMs, nowMs)}</span>`,
    },
    {
      key: 'notifications',
      label: 'Agent notifications',
      isSortable: true,
      cell: (agent) => html`<${NotificationCount} agent=${agent} onOpen=${() => onNotifications(agent)} />`,
    },
    {
      key: 'menu',
      label: 'Actions',
      isLabelHidden: true,
      className: 'col-menu',
      cell: (
        agent,
      ) => html`<${Menu} label=${`Actions for ${agent.name}`} className="button button-quiet button-icon" items=${menuOf(agent)}>
        <${Icon} name="dots" />
      <//>`,
    },
  ]
}

/** Those that can be hidden. */
export const optionalColumns = ['owner', 'type', 'lastConnection', 'notifications'] as const
