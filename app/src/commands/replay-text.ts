/** Replays in words and as JSON. */
import type { ReplayJob, ReplayPlan } from '@siem-relay/common'
import type { ReplayStatus } from '@siem-relay/control'
import { countText, durationText } from './time.ts'

/** @param verb `go` or `would go`. */
export function planText(plan: ReplayPlan, verb: string): string {
  const { agent, fromMs, toMs, source, records, messagesPerSecondMax, mark } = plan
  const span = `stored from ${timeText(fromMs)} until ${timeText(toMs)}`
  if (records === 0) return `${agent}: nothing was ${span}`
  const what =
    source === 'out'
      ? countText(records, 'message', 'messages')
      : `${countText(records, 'record', 'records')}, filtered and formatted anew,`
  const least = durationText(records / messagesPerSecondMax)
  const marked = mark ? ', marked with cs6Label=replayJob' : ''
  return `${agent}: ${what} ${span} ${verb} out again, at most ${messagesPerSecondMax} a second (${least})${marked}`
}

export function statusText({ job, share, replayed }: ReplayStatus): string {
  const { id, agent, state, fromMs, toMs, reason } = job
  const percent = state === 'running' ? ` ${Math.floor(share * 100)} %` : ''
  const why = reason === undefined ? '' : ` (${reason})`
  const messages = countText(replayed, 'message', 'messages')
  if (job.source === 'letters')
    return `${id} ${agent}: ${state}${percent}${why}, ${replayed} of ${countText(job.records, 'dead letter', 'dead letters')} sent again`
  return `${id} ${agent}: ${state}${percent}${why}, ${messages} sent again, ${timeText(fromMs)} until ${timeText(toMs)}`
}

/** A plan without its offsets, which mean nothing outside the log. */
export function planView(plan: ReplayPlan | ReplayJob): object {
  const { agent, fromMs, toMs, source, records, messagesPerSecondMax, mark } = plan
  return { agent, from: timeText(fromMs), to: timeText(toMs), source, records, messagesPerSecondMax, mark }
}

export function statusView({ job, share, replayed }: ReplayStatus): object {
  const { id, state, createdMs, endedMs, reason } = job
  return {
    id,
    ...planView(job),
    state,
    reason,
    share,
    replayed,
    created: timeText(createdMs),
    ...(endedMs === undefined ? {} : { ended: timeText(endedMs) }),
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
