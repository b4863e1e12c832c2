/** What an agent, as it is, makes of the last records. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { AgentDetail } from '../../src/contract/agents.ts'
import type { AgentDraft } from '../agent-form/draft.ts'
import { agentPath } from '../agents/actions.ts'
import { Page } from '../components/page.ts'
import { Loading } from '../components/states.ts'
import { get } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { href } from '../lib/router.ts'
import { PreviewResults } from '../preview/results.ts'
import type { Params } from '../routes.ts'

const kinds = [
  { value: undefined, label: 'All kinds' },
  { value: 'alert', label: 'Alerts' },
  { value: 'activity', label: 'Activities' },
  { value: 'discovery', label: 'Discovery logs' },
] as const

export function PreviewPage({ params: { id = '' } }: { readonly params: Params }): VNode {
  const agent = useLoad((signal) => get<AgentDetail>(agentPath({ id }), {}, signal), [id])
  const [kind, setKind] = useState<(typeof kinds)[number]['value']>(undefined)
  const lead = html`What the agent, as it is now, makes of the last records in the log. Nothing is sent.${' '}
    <a href=${href(agentPath({ id }, '/edit'))}>Change its filters</a>`
  return html`<${Page} title=${`Preview of ${agent.data?.name ?? id}`} lead=${lead}>
    <div class="chips" role="group" aria-label="Kind of record">
      ${kinds.map(({ value, label }) => html`<button type="button" class="chip" key=${label} aria-pressed=${kind === value} onClick=${() => setKind(value)}>${label}</button>`)}
    </div>
    <${Loading} of=${agent}>${(data: AgentDetail) => html`<${PreviewResults} draft=${data.definition as AgentDraft} kind=${kind} />`}<//>
  <//>`
}
