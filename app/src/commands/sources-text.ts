/** Sources in words: a count, a table, and below it every trouble with its next move. No line is longer than 80 characters; what
 *  APIs said is shown without the characters that steer a terminal. */
import { printable, type SourceReportError, type SourceView } from '@siem-relay/common'
import { clipped, tableLines } from './table.ts'
import { countText, durationText } from './time.ts'
import { lineLengthMax, wrap } from './wrap.ts'

/** What the other columns leave. */
const nameLengthMax = 18
const stateLengthMax = 10
const backlogMax = 999_999

export function sourcesText(views: readonly SourceView[], nowMs: number): string {
  if (views.length === 0) return 'no sources\n'
  const troubles = views.map((view) => troubleLines(view, nowMs)).filter((lines) => lines.length > 0)
  const blocks = [wrap(summaryOf(views), '', ''), rowLines(views), ...troubles]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function summaryOf(views: readonly SourceView[]): string {
  const states = [...Map.groupBy(views, stateOf)].map(([state, { length }]) => `${length} ${state}`)
  return `${countText(views.length, 'source', 'sources')}: ${states.join(', ')}`
}

function rowLines(views: readonly SourceView[]): readonly string[] {
  const names = views.map(nameOf)
  const isLong = (name: string): boolean => name.length > nameLengthMax
  const [head = '', ...rows] = tableLines([
    ['source', 'type', 'state', 'behind', 'backlog', 'budget'],
    ...views.map((view, index) => [
      // A name too long for its column has lines of its own, above the row.
      isLong(names[index] ?? '') ? '' : (names[index] ?? ''),
      clipped(view.type, 23),
      stateOf(view),
      shortDuration(view.behindSeconds),
      view.backlog === undefined ? '-' : view.backlog > backlogMax ? `>${backlogMax}` : String(view.backlog),
      view.budgetRemaining === undefined ? '-' : clipped(String(view.budgetRemaining), 6),
    ]),
  ])
  return [head, ...rows.flatMap((row, index) => [...longName(names[index] ?? ''), row])]

  function longName(name: string): readonly string[] {
    if (!isLong(name)) return []
    return name.length <= lineLengthMax ? [name] : name.split(/(?<=\/)/)
  }
}

/** What a person would want to know or do; nothing for a source that is as it should be. */
function troubleLines(view: SourceView, nowMs: number): readonly string[] {
  const said = [
    ...silenceOf(view, nowMs),
    ...(view.isConfigured
      ? []
      : ['Not in this configuration. It goes when the collector takes up a configuration without it.']),
    ...errorsOf(view).flatMap((error) => errorLines(error, nowMs)),
    ...gapLines(view),
  ]
  if (said.length === 0) return []
  const title = wrap(`${nameOf(view)}: ${stateOf(view)}`, '', '  ')
  return [...title, ...said.flatMap((text) => wrap(text, '  ', text.startsWith('→ ') ? '    ' : '  '))]
}

function silenceOf({ reported, atMs = 0, host = '', instance = '' }: SourceView, nowMs: number): readonly string[] {
  if (reported === 'fresh') return []
  if (reported === 'never')
    return [
      'No collector has reported it yet.',
      '→ Look whether a collector runs with this configuration (siem-relay health), and what its log says.',
    ]
  const since = new Date(atMs).toISOString()
  return [
    `Not reported since ${since} (${durationText((nowMs - atMs) / 1_000)} ago), last by ${host}, instance ${instance}.`,
    '→ Look whether a collector runs there or elsewhere (siem-relay health) and reaches the log; what is said of the source here is of then.',
  ]
}

/** Each once, the latest first. */
function errorsOf({ lastError, streams }: SourceView): readonly SourceReportError[] {
  const errors = [lastError, ...streams.map((stream) => stream.lastError)].filter((error) => error !== undefined)
  return [...Map.groupBy(errors, ({ message }) => message).values()].flatMap(([first]) => first ?? [])
}

function errorLines({ code, message, nextMove, atMs }: SourceReportError, nowMs: number): readonly string[] {
  const when = `${durationText((nowMs - atMs) / 1_000)} ago`
  return [`${code ?? 'Error'}, ${when}: ${message}`, ...(nextMove === undefined ? [] : [`→ ${nextMove}`])]
}

const gapsShownMax = 5

/** Times of which records may be missing, those that somebody has to look at first. */
function gapLines({ streams }: SourceView): readonly string[] {
  const gaps = streams.flatMap(({ kind, gaps = [] }) => gaps.map((gap) => ({ kind, ...gap })))
  if (gaps.length === 0) return []
  const [lost, open] = [gaps.filter(isUnverifiable), gaps.filter((gap) => !isUnverifiable(gap))]
  const shown = [...lost, ...open].slice(0, gapsShownMax)
  return [
    ...shown.map(({ kind, fromMs, toMs, reason, state }) => {
      const what = isUnverifiable({ state }) ? 'cannot be read again' : 'is read again'
      return `May lack ${kind} of ${timeText(fromMs)} to ${timeText(toMs)} (${reason}); the time ${what}.`
    }),
    ...(gaps.length > shown.length ? [`And ${gaps.length - shown.length} more such times; --json lists them.`] : []),
    lost.length > 0
      ? '→ Look into the portal for records of that time; what it means is in docs/operating/gaps.md.'
      : '→ Nothing: it says when the time is whole again.',
  ]
}

function isUnverifiable({ state }: { readonly state: string }): boolean {
  return state === 'unverifiable'
}

/** Never throws, whatever a report says. */
function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : String(ms)
}

/** With the tenant in front where it is not the source's own name. */
function nameOf({ id, tenant }: SourceView): string {
  return printable(id === tenant ? id : `${tenant}/${id}`)
}

function stateOf({ reported, state }: SourceView): string {
  return reported === 'stale' ? 'stale' : clipped(state, stateLengthMax)
}

/** One unit, rounded down. */
function shortDuration(seconds: number | undefined): string {
  if (seconds === undefined) return '-'
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`
  return clipped(`${Math.floor(seconds / 86_400)} d`, 6)
}
