/** What `siem-relay top` shows, as data: each agent's two stages and each source, at one moment. */
import type { SourceView } from '@siem-relay/common'
import type { AgentLag, Control } from '@siem-relay/control'
import { type Counters, readCounters } from './counters.ts'

export interface StageView {
  readonly stage: 'format' | 'deliver'
  readonly pending: number
  readonly oldestSeconds: number | undefined
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** Handed to the wire; undefined where it is not counted. */
  readonly bytesPerSecond: number | undefined
  /** Put aside since the relay started; undefined where nobody tells. */
  readonly deadLettered: number | undefined
  /** Until nothing is pending; undefined when it would never be. */
  readonly catchUpSeconds: number | undefined
}

export interface AgentView {
  readonly agent: string
  readonly enabled: boolean
  readonly stages: readonly StageView[]
}

export interface SourceRow {
  readonly id: string
  readonly tenant: string
  readonly state: string
  readonly behindSeconds: number | undefined
  readonly backlog: number | undefined
  /** Taken into the log; undefined where nobody tells. */
  readonly recordsPerSecond: number | undefined
  readonly error: string | undefined
}

export interface TopView {
  readonly atMs: number
  /** Over how long rates were measured. */
  readonly windowSeconds: number
  readonly sources: readonly SourceRow[]
  readonly agents: readonly AgentView[]
}

export interface Looking {
  readonly windowMs: number
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

/** Takes as long as the window. */
export async function lookAtAll(control: Control, { windowMs, nowMs, monotonicMs }: Looking): Promise<TopView> {
  const before = { text: await control.metrics(), atMs: monotonicMs() }
  const agents = await control.lag({ windowMs })
  const after = { text: await control.metrics(), atMs: monotonicMs() }
  const rates = ratesOf(before, after)
  return {
    atMs: nowMs(),
    windowSeconds: windowMs / 1_000,
    sources: (await control.sources()).map((source) => sourceRow(source, rates)),
    agents: agents.map((agent) => agentView(agent, rates)),
  }
}

interface Look {
  readonly text: string | undefined
  readonly atMs: number
}

interface Rates {
  readonly total: Counters['sum']
  readonly perSecond: (name: string, labels: Readonly<Record<string, string>>) => number | undefined
}

function ratesOf(before: Look, after: Look): Rates {
  const [first, last] = [readCounters(before.text ?? ''), readCounters(after.text ?? '')]
  const seconds = (after.atMs - before.atMs) / 1_000
  return {
    total: last.sum,
    perSecond: (name, labels) => {
      const now = last.sum(name, labels)
      // A relay that restarted in between counts from zero again.
      return now === undefined || seconds <= 0 ? undefined : Math.max(0, now - (first.sum(name, labels) ?? 0)) / seconds
    },
  }
}

function agentView({ agent, enabled, formatter, sender }: AgentLag, { total, perSecond }: Rates): AgentView {
  const deadLettered = (isFormatter: boolean): number | undefined => {
    const name = 'siem_relay_records_dead_lettered_total'
    const all = total(name, { agent })
    const formatted = total(name, { agent, stage: 'formatter' }) ?? 0
    return all === undefined ? undefined : isFormatter ? formatted : all - formatted
  }
  return {
    agent,
    enabled,
    stages: [
      { stage: 'format', ...formatter, bytesPerSecond: undefined, deadLettered: deadLettered(true) },
      {
        stage: 'deliver',
        ...sender,
        bytesPerSecond: perSecond('siem_relay_bytes_sent_total', { agent }),
        deadLettered: deadLettered(false),
      },
    ],
  }
}

function sourceRow(source: SourceView, { perSecond }: Rates): SourceRow {
  const { id, tenant, state, reported, behindSeconds, backlog, lastError, streams } = source
  const error = lastError ?? streams.find((stream) => stream.lastError !== undefined)?.lastError
  return {
    id,
    tenant,
    state: reported === 'stale' ? 'stale' : state,
    behindSeconds,
    backlog,
    recordsPerSecond: perSecond('siem_relay_records_received_total', { source: id }),
    error: error?.code ?? error?.message,
  }
}
