/** Where an agent stands, of what its senders tell in the agent-status topic. Rules of the SIEM agent's portal: Connection error after
 *  2 hours without a connection, Disconnected after 12. Senders that fell silent are taken for gone; what they told last still says
 *  when the agent was connected. */
import type { AgentDefinition } from '@siem-relay/common'
import { z } from 'zod'
import type { AgentRow } from '../contract/agents.ts'

/** What a sender tells of an agent; fields of other versions are let be. */
const toldSchema = z.looseObject({
  agent: z.string(),
  instance: z.string(),
  state: z.string(),
  sinceMs: z.number(),
  lastConnectedMs: z.number().optional(),
  lastError: z
    .looseObject({
      code: z.string(),
      message: z.string(),
      nextMove: z.string(),
      atMs: z.number(),
      nextTryMs: z.number().optional(),
    })
    .optional(),
  target: z.string().optional(),
  host: z.string().optional(),
  /** Absent: it works. `false`: it stands by for another. */
  active: z.boolean().optional(),
  heartbeatMs: z.number(),
})

export type ToldStatus = z.output<typeof toldSchema>

/** Four heartbeats. */
const silentMs = 120_000
/** A sender that is gone for so long is not shown any more. */
const shownMs = 3_600_000
export const connectionErrorMs = 2 * 3_600_000
export const disconnectedMs = 12 * 3_600_000

/** @returns undefined for what is no status that this version can read. */
export function decodeStatus(value: Uint8Array): ToldStatus | undefined {
  try {
    return toldSchema.safeParse(JSON.parse(Buffer.from(value).toString('utf8'))).data
  } catch {
    return undefined
  }
}

export type Standing = Pick<AgentRow, 'state' | 'instances'> & {
  readonly [Key in 'stateSinceMs' | 'lastConnectionMs' | 'target' | 'cause']?: AgentRow[Key] | undefined
} & {
  /** How long it is down; undefined while it is connected, or never was. */
  readonly downMs?: number | undefined
  /** Whether a sender tells of it at all. */
  readonly isServed: boolean
}

/** @param told by every sender of the agent, those that are gone among them. */
export function standingOf(
  { enabled }: Pick<AgentDefinition, 'enabled'>,
  told: readonly ToldStatus[],
  nowMs: number,
): Standing {
  const isFresh = ({ heartbeatMs }: ToldStatus): boolean => nowMs - heartbeatMs <= silentMs
  const working = told.filter((each) => isFresh(each) && each.active !== false)
  const newest = told.toSorted((left, right) => right.heartbeatMs - left.heartbeatMs)
  const connected = working.filter(({ state }) => state === 'connected')
  const seenMs = latest(told.flatMap((each) => lastConnectedOf(each)))
  const target = (connected[0] ?? newest[0])?.target
  const instances = newest
    .filter(({ heartbeatMs }) => nowMs - heartbeatMs <= shownMs)
    .map((each) => ({
      instance: each.instance,
      ...(each.host === undefined ? {} : { host: each.host }),
      active: isFresh(each) && each.active !== false,
      heartbeatMs: whole(each.heartbeatMs),
    }))
  const common = { target, instances, isServed: working.length > 0, lastConnectionMs: seenMs && whole(seenMs) }
  if (!enabled) return { ...common, state: 'disabled' }
  if (connected.length > 0)
    return {
      ...common,
      state: 'connected',
      stateSinceMs: whole(Math.min(...connected.map(({ sinceMs }) => sinceMs))),
      cause: causeOf(working),
    }
  if (seenMs === undefined) return { ...common, state: 'created', cause: causeOf(working) }
  const downMs = nowMs - seenMs
  const down = { ...common, downMs, cause: causeOf(working) ?? causeOf(newest.slice(0, 1)) }
  if (downMs > disconnectedMs) return { ...down, state: 'disconnected', stateSinceMs: whole(seenMs + disconnectedMs) }
  if (downMs > connectionErrorMs)
    return { ...down, state: 'connection-error', stateSinceMs: whole(seenMs + connectionErrorMs) }
  return { ...down, state: 'connected' }
}

/** When a sender was connected last, as far as it says. */
function lastConnectedOf({ state, sinceMs, lastConnectedMs, heartbeatMs }: ToldStatus): readonly number[] {
  if (state === 'connected') return [heartbeatMs]
  // It was connected until it entered another state.
  return lastConnectedMs === undefined ? [] : [Math.max(lastConnectedMs, sinceMs)]
}

function causeOf(told: readonly ToldStatus[]): AgentRow['cause'] {
  const [error] = told
    .filter(({ state }) => state !== 'connected')
    .flatMap(({ lastError }) => lastError ?? [])
    .toSorted((left, right) => right.atMs - left.atMs)
  if (error === undefined) return undefined
  const { code, message, nextMove, atMs, nextTryMs } = error
  return {
    code,
    message,
    nextMove,
    atMs: whole(atMs),
    ...(nextTryMs === undefined ? {} : { nextTryMs: whole(nextTryMs) }),
  }
}

function latest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times)
}

function whole(ms: number): number {
  return Math.max(0, Math.round(ms))
}
