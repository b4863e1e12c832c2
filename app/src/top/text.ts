/** The view in words: two tables of at most 80 columns, as many rows as there is room for, those with most to do first. */
import { clipped, tableLines } from '../commands/table.ts'
import type { AgentView, SourceRow, StageView, TopView } from './view.ts'

/** How a line stands out, where colour is wanted. */
type Mark = 'title' | 'trouble'

export interface MarkedLine {
  readonly text: string
  readonly mark?: Mark
}

/** @param rowsMax lines there is room for. */
export function topLines(view: TopView, rowsMax: number): readonly MarkedLine[] {
  const { sources, agents } = view
  const isTight = sources.length + agents.length * 2 + 5 > rowsMax
  const sourcesMax = isTight ? Math.max(1, Math.min(sources.length, Math.floor((rowsMax - 7) / 3))) : sources.length
  const shownSources = [...sources].sort((a, b) => urgencyOf(b) - urgencyOf(a)).slice(0, sourcesMax)
  const agentsMax = isTight ? Math.max(1, Math.floor((rowsMax - shownSources.length - 6) / 2)) : agents.length
  const shownAgents = [...agents].sort((a, b) => pendingOf(b) - pendingOf(a)).slice(0, agentsMax)
  return [
    ...sourceLines(shownSources),
    ...moreLine(sources.length - shownSources.length, 'sources'),
    { text: '' },
    ...agentLines(shownAgents),
    ...moreLine(agents.length - shownAgents.length, 'agents'),
  ]
}

function sourceLines(sources: readonly SourceRow[]): readonly MarkedLine[] {
  if (sources.length === 0) return [{ text: 'no sources', mark: 'title' }]
  const [head = '', ...rows] = tableLines([
    ['source', 'state', 'in/s', 'behind', 'backlog', 'error'],
    ...sources.map(({ id, tenant, state, recordsPerSecond, behindSeconds, backlog, error }) => [
      clipped(id === tenant ? id : `${tenant}/${id}`, 16),
      clipped(state, 10),
      rateText(recordsPerSecond),
      durationText(behindSeconds),
      backlog === undefined ? '-' : countText(backlog),
      clipped(error ?? '', 24),
    ]),
  ])
  return [
    { text: head, mark: 'title' },
    ...rows.map(
      (text, index): MarkedLine => (sources[index]?.error === undefined ? { text } : { text, mark: 'trouble' }),
    ),
  ]
}

function agentLines(agents: readonly AgentView[]): readonly MarkedLine[] {
  if (agents.length === 0) return [{ text: 'no agents', mark: 'title' }]
  const stages = agents.flatMap(({ agent, stages: both }) =>
    both.map((stage, index) => ({ name: index === 0 ? clipped(agent, 12) : '', stage })),
  )
  const [head = '', ...rows] = tableLines([
    ['agent', 'stage', 'pending', 'oldest', 'in/s', 'out/s', 'bytes/s', 'dead', 'done in'],
    ...stages.map(({ name, stage }) => [name, ...cellsOf(stage)]),
  ])
  return [
    { text: head, mark: 'title' },
    ...rows.map((text, index): MarkedLine => {
      const stage = stages[index]?.stage
      return stage?.catchUpSeconds === undefined ? { text, mark: 'trouble' } : { text }
    }),
  ]
}

function cellsOf(stage: StageView): readonly string[] {
  const { pending, oldestSeconds, inPerSecond, outPerSecond, bytesPerSecond, deadLettered, catchUpSeconds } = stage
  return [
    stage.stage,
    countText(pending),
    durationText(oldestSeconds),
    rateText(inPerSecond),
    rateText(outPerSecond),
    bytesPerSecond === undefined ? '-' : shortNumber(bytesPerSecond),
    deadLettered === undefined ? '-' : countText(deadLettered),
    pending === 0 ? '-' : catchUpSeconds === undefined ? 'never' : durationText(catchUpSeconds),
  ]
}

function moreLine(count: number, what: string): readonly MarkedLine[] {
  return count > 0 ? [{ text: `and ${count} more ${what}` }] : []
}

function urgencyOf({ error, backlog = 0 }: SourceRow): number {
  return (error === undefined ? 0 : 1e15) + (backlog ?? 0)
}

function pendingOf({ stages }: AgentView): number {
  return stages.reduce((sum, { pending }) => sum + pending, 0)
}

function countText(count: number): string {
  return count < 1_000_000 ? String(count) : shortNumber(count)
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return '-'
  return rate < 10_000 ? rate.toFixed(1) : shortNumber(rate)
}

/** At most six characters. */
function shortNumber(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T']
  let rest = value
  let unit = 0
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1_000
    unit++
  }
  return `${unit === 0 ? Math.round(rest) : rest.toFixed(rest < 99.95 ? 1 : 0)}${units[unit]}`
}

/** One unit, rounded down. */
function durationText(seconds: number | undefined): string {
  if (seconds === undefined) return '-'
  if (seconds < 120) return `${Math.floor(seconds)} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`
  return seconds < 86_400 * 9_999 ? `${Math.floor(seconds / 86_400)} d` : '>27 y'
}
