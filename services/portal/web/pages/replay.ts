/** Replay: send again what an agent was sent, or would be sent today. Counted first, then started, watched, cancelled. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { AgentRow } from '../../src/contract/agents.ts'
import { AgentSelect, useAgents } from '../components/agent-select.ts'
import { CheckField, RadioField, TextField } from '../components/field.ts'
import { Icon } from '../components/icons.ts'
import { Page } from '../components/page.ts'
import { Callout, Failure, Loading } from '../components/states.ts'
import { say } from '../components/toast.ts'
import { type ApiFailure, failureOf, get, send } from '../lib/api.ts'
import { durationText, fromLocalInput, localInput, momentText, plural } from '../lib/format.ts'
import { useLoad } from '../lib/load.ts'
import { place } from '../lib/router.ts'
import { isAdmin } from '../lib/session.ts'
import { ReplayList } from '../records/replay-list.ts'
import type { ReplayPlanShape, ReplayShape } from '../records/shapes.ts'

const refreshMs = 3_000
const minuteMs = 60_000
const hourMs = 3_600_000

export function ReplayPage(): VNode {
  const agents = useAgents()
  const replays = useLoad((signal) => get<{ replays: ReplayShape[] }>('/replays', {}, signal), [], refreshMs)
  const lead =
    'Sends again what went into the log within a time: after an incident at the SIEM, or with today’s format and filters.'
  return html`<${Page} title="Replay" lead=${lead}>
    ${isAdmin() && html`<${Loading} of=${agents} lines=${4}>${(data: readonly AgentRow[]) => html`<${Plan} agents=${data} onStarted=${replays.reload} />`}<//>`}
    <section class="stack" aria-labelledby="replays-title">
      <h2 id="replays-title">Replays</h2>
      <${Loading} of=${replays}>${(data: { replays: ReplayShape[] }) => html`<${ReplayList} replays=${data.replays} agents=${agents.data ?? []} onChanged=${replays.reload} />`}<//>
    </section>
  <//>`
}

function Plan({ agents, onStarted }: { readonly agents: readonly AgentRow[]; readonly onStarted: () => void }): VNode {
  const [agent, setAgent] = useState(() => place.get().query.get('agent') ?? '')
  const [from, setFrom] = useState(() => localInput(Date.now() - hourMs))
  // The minute that has begun is in it; the relay takes now for a time that lies ahead.
  const [to, setTo] = useState(() => localInput(Date.now() + minuteMs))
  const [source, setSource] = useState<'out' | 'raw'>('out')
  const [pace, setPace] = useState('500')
  const [mark, setMark] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const [plan, setPlan] = useState<ReplayPlanShape | undefined>(undefined)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const fromMs = fromLocalInput(from)
  const toMs = fromLocalInput(to)
  const isOrdered = fromMs !== undefined && toMs !== undefined && fromMs < toMs
  const rate = Number(pace)
  const isReady = agent !== '' && isOrdered && rate >= 1
  /** A count is of what was asked: any change asks for a new one. */
  const changed =
    <T>(set: (value: T) => void) =>
    (value: T) => {
      set(value)
      setPlan(undefined)
    }
  const run = async (path: string, body: object, after: (answer: unknown) => void) => {
    setIsBusy(true)
    setFailure(undefined)
    try {
      after(await send('POST', path, body))
    } catch (error) {
      setFailure(failureOf(error))
    }
    setIsBusy(false)
  }
  const request = { agent, fromMs, toMs, source, messagesPerSecondMax: rate, mark }
  const count = (event: Event) => {
    event.preventDefault()
    if (isReady) void run('/replays/count', request, (answer) => setPlan(answer as ReplayPlanShape))
  }
  /** What was counted, and nothing that came in since. */
  const start = () =>
    void run('/replays', { ...request, toMs: plan?.toMs ?? toMs }, () => {
      setPlan(undefined)
      say('The replay has started')
      onStarted()
    })
  return html`<form class="card stack" onSubmit=${count} aria-label="New replay">
    <div class="filters">
      <${AgentSelect} agents=${agents} value=${agent} onChange=${changed(setAgent)} />
      <${TextField} label="From" type="datetime-local" value=${from} onChange=${changed(setFrom)} isRequired />
      <${TextField} label="To" type="datetime-local" value=${to} onChange=${changed(setTo)} isRequired
        problem=${fromMs !== undefined && toMs !== undefined && !isOrdered ? 'Has to be after From.' : undefined} />
      <${TextField} label="Messages a second, at most" type="number" min=${1} max=${1_000_000} value=${pace} onChange=${changed(setPace)} />
    </div>
    <${RadioField} legend="What is sent" className="radio-cards" value=${source} onChange=${changed(setSource)}
      choices=${[
        { value: 'out', label: 'The messages as they were sent', hint: 'Byte for byte' },
        { value: 'raw', label: 'The records, formatted anew', hint: 'With today’s format, filters and duplicates' },
      ]} />
    <${CheckField} label="Mark replayed lines" isOn=${mark} onChange=${changed(setMark)} hint="Each line carries the id of the replay, so that your SIEM can tell them apart." />
    ${failure && html`<${Failure} failure=${failure} />`}
    <div aria-live="polite">${plan && html`<${Counted} plan=${plan} />`}</div>
    <div class="actions">
      <button type="submit" class=${`button ${plan ? '' : 'button-primary'}`} disabled=${!isReady || isBusy}><${Icon} name="search" size=${18} />Count first</button>
      ${plan && html`<button type="button" class="button button-primary" disabled=${isBusy || plan.records === 0} onClick=${start}><${Icon} name="play" size=${18} />Start replay</button>`}
    </div>
  </form>`
}

function Counted({ plan }: { readonly plan: ReplayPlanShape }): VNode {
  if (plan.records === 0)
    return html`<${Callout} tone="info"><p><strong>Nothing to send.</strong> The log holds no record of this agent between ${momentText(plan.fromMs)} and ${momentText(plan.toMs)}.
      It keeps them for 7 days unless it is set otherwise.</p><//>`
  const seconds = plan.records / plan.messagesPerSecondMax
  return html`<${Callout} tone="info"><p><strong>${plural(plan.records, plan.source === 'out' ? 'message' : 'record')}</strong> would be sent again, in about${' '}
    ${durationText(Math.max(1, seconds))}. Nothing has been sent yet. Live records go on beside it.</p><//>`
}
