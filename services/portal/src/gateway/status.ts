/** Where an agent in another network stands: as it says itself while it asks, else that it does not. Pure. */
import { type ErrorCode, errorCodes, printable, type RemoteStatus } from '@siem-relay/common'
import type { AgentStatus, RemoteInstance, StatusError } from '@siem-relay/delivery'

/** An agent that has not asked for so long is told of as missing; a restart of it takes less. */
export const silentMs = 60_000

export interface Sighting {
  readonly agent: string
  readonly instance: string
  readonly nowMs: number
  /** Since when it is watched for. */
  readonly watchedMs: number
  /** When it was last connected to its receiver, as an earlier run of the relay knew it. */
  readonly knownMs: number | undefined
  /** Whoever asks, or asked last. */
  readonly remote: RemoteInstance | undefined
  /** What it said last, in this process's time. */
  readonly said: SaidStatus | undefined
}

export interface SaidStatus {
  readonly state: AgentStatus['state']
  readonly sinceMs: number
  readonly lastConnectedMs: number | undefined
  readonly target: string | undefined
  readonly lastError: StatusError | undefined
}

export function statusOf(sighting: Sighting): AgentStatus {
  const { agent, instance, nowMs, watchedMs, knownMs, remote, said } = sighting
  // Since when it is known not to be connected.
  const sinceMs = remote?.askedMs ?? knownMs ?? watchedMs
  const base = {
    agent,
    instance,
    state: said?.state ?? 'created',
    sinceMs: said?.sinceMs ?? sinceMs,
    lastConnectedMs: said?.lastConnectedMs ?? knownMs,
    lastError: said?.lastError,
    target: said?.target,
    heartbeatMs: nowMs,
    host: remote?.host,
    remote,
  }
  if (!isSilent(sighting)) return base
  return { ...base, state: 'error', sinceMs, lastError: silence(sighting, sinceMs) }
}

/** One that was never there is awaited, not missed. */
export function isSilent({ nowMs, watchedMs, knownMs, remote }: Omit<Sighting, 'said'>): boolean {
  if (remote === undefined && knownMs === undefined) return false
  return nowMs - (remote?.askedMs ?? watchedMs) > silentMs
}

function silence({ remote }: Sighting, sinceMs: number): StatusError {
  const place = remote === undefined ? '' : ` (it ran on ${remote.host})`
  return {
    code: 'RELAY_AGENT_SILENT',
    message: `the SIEM agent has not asked for messages since ${new Date(sinceMs).toISOString()}${place}`,
    nextMove: errorCodes.RELAY_AGENT_SILENT.nextMove,
    atMs: sinceMs,
  }
}

/** A status as another machine tells it: its clock may be wrong, its text is not to be trusted. */
export function heard(status: RemoteStatus, nowMs: number): SaidStatus {
  const shift = (ms: number): number => Math.min(nowMs, Math.max(0, ms + nowMs - status.nowMs))
  const { state, sinceMs, lastConnectedMs, target, lastError } = status
  return {
    state,
    sinceMs: shift(sinceMs),
    lastConnectedMs: lastConnectedMs === undefined ? undefined : shift(lastConnectedMs),
    target: target === undefined ? undefined : printable(target),
    lastError: lastError && {
      ...knownError(lastError.code),
      message: printable(lastError.message),
      atMs: shift(lastError.atMs),
    },
  }
}

function knownError(text: string): { readonly code: ErrorCode; readonly nextMove: string } {
  const code = Object.hasOwn(errorCodes, text) ? (text as ErrorCode) : 'RELAY_AGENT_TROUBLE'
  return { code, nextMove: errorCodes[code].nextMove }
}
