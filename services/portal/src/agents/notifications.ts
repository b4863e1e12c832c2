/** What a person should know of an agent, under the names the SIEM agent's portal had, each with what to do about it. */
import { type AgentDefinition, type StoredAgent, wants } from '@siem-relay/common'
import type { AgentNotification } from '../contract/agents.ts'
import { connectionErrorMs, disconnectedMs, type Standing } from './status.ts'

export interface NotificationInput {
  readonly agent: AgentDefinition
  /** Absent for an agent of the configuration file. */
  readonly stored: StoredAgent | undefined
  readonly standing: Standing
  readonly hasOwner: (owner: string) => boolean
  /** Since when it is there as it is, as far as is known. */
  readonly bornMs: number
  /** A source of Defender for Identity's alerts and one of Cloud Apps' are collected. */
  readonly hasTwins: boolean
  readonly nowMs: number
}

/** A sender in another process may start later. */
const unservedMs = 180_000

/** Codes of what breaks after a connection was made; all others are of making one. */
const sendErrors: ReadonlySet<string> = new Set([
  'RELAY_RECEIVER_CLOSED',
  'RELAY_RECEIVER_STALLED',
  'RELAY_RECEIVER_UNCONFIRMED',
  'RELAY_RECEIVER_REFUSED',
  'RELAY_SENTINEL_THROTTLED',
  'RELAY_SENTINEL_ROW',
])

export function notificationsOf(input: NotificationInput): AgentNotification[] {
  return [...connectionOf(input), ...tokenOf(input), ...settingsOf(input)]
}

function* connectionOf({ agent, stored, standing, bornMs, nowMs }: NotificationInput): Iterable<AgentNotification> {
  if (!agent.enabled) return
  const { cause, downMs, isServed, stateSinceMs } = standing
  if (cause !== undefined) {
    const isSend = sendErrors.has(cause.code)
    yield {
      kind: isSend ? 'data-server-send-error' : 'data-server-connection-error',
      severity: 'error',
      title: isSend ? 'Data server send error' : 'Data server connection error',
      message: `${cause.message}. Messages wait in the log and are sent when the receiver takes them.`,
      fix: cause.nextMove,
      docs: 'operating/errors.md',
      sinceMs: cause.atMs,
    }
  }
  if (downMs !== undefined && downMs > connectionErrorMs)
    yield {
      kind: 'siem-agent-error',
      severity: 'error',
      title: 'SIEM agent error',
      message: `Disconnected for more than ${downMs > disconnectedMs ? 12 : 2} hours.`,
      fix: agent.remote
        ? 'Check that siem-relay agent runs where the receiver is and reaches this portal.'
        : 'Check that the receiver runs and can be reached from the relay.',
      docs: 'using/agents.md',
      sinceMs: stateSinceMs ?? nowMs,
    }
  if (!isServed && nowMs - bornMs > unservedMs && !(agent.remote && stored?.token === undefined))
    yield {
      kind: agent.remote ? 'siem-agent-error' : 'internal-error',
      severity: agent.remote && standing.state === 'created' ? 'info' : 'error',
      title: agent.remote ? 'SIEM agent error' : 'Internal error',
      message: agent.remote
        ? 'No siem-relay agent is signed in with its token.'
        : 'No service delivers for this agent.',
      fix: agent.remote
        ? 'Start siem-relay agent where the receiver is, with the token of this agent.'
        : `Start the service ${agent.sentinel === undefined ? 'syslog-sender' : 'sentinel-sender'}, and look into its log.`,
      docs: 'operating/README.md',
      sinceMs: Math.max(bornMs, standing.lastConnectionMs ?? 0),
    }
}

function* tokenOf({ agent, stored, hasOwner, bornMs }: NotificationInput): Iterable<AgentNotification> {
  if (!agent.remote) return
  const token = stored?.token
  if (token === undefined)
    yield {
      kind: 'token-missing',
      severity: 'error',
      title: 'No token',
      message: 'An agent in another network signs in with a token, and this one has none.',
      fix: 'Choose Regenerate token, and start siem-relay agent with it.',
      docs: 'using/portal.md',
      sinceMs: bornMs,
    }
  else if (!hasOwner(token.owner))
    yield {
      kind: 'token-owner-removed',
      severity: 'warning',
      title: 'Nobody owns the token',
      message: `${token.owner}, who made the token, has no account here.`,
      fix: 'Take the token over, or regenerate it.',
      docs: 'using/portal.md',
      sinceMs: token.createdMs,
    }
}

function* settingsOf({ agent, hasTwins, bornMs: sinceMs }: NotificationInput): Iterable<AgentNotification> {
  if (agent.syslog?.tls?.verify === false)
    yield {
      kind: 'tls-not-verified',
      severity: 'warning',
      title: 'TLS is not verified',
      message: 'Any certificate is accepted: whoever is between can read and change the messages.',
      fix: 'Put the authority of the receiver into the TLS settings, and switch verification on.',
      docs: 'using/receivers.md',
      sinceMs,
    }
  if (agent.dedup.policy === 'off' && hasTwins && wants(agent, 'alerts'))
    yield {
      kind: 'twins-not-merged',
      severity: 'info',
      title: 'Alerts may come twice',
      message: 'Alerts of Defender for Identity also come from Defender for Cloud Apps, and this agent sends both.',
      fix: 'Choose another policy of duplicates.',
      docs: 'using/duplicates.md',
      sinceMs,
    }
}

/** An agent that this version cannot read. */
export function unreadable(problem: string, sinceMs: number): AgentNotification {
  return {
    kind: 'internal-error',
    severity: 'error',
    title: 'Internal error',
    message: `This version cannot read the agent's definition, so nothing is sent for it: ${problem}.`,
    fix: 'Run the version that wrote it, or save it again here.',
    sinceMs,
  }
}

/** An agent of the portal that one of the file hides. */
export function hidden(id: string, sinceMs: number): AgentNotification {
  return {
    kind: 'siem-agent-notification-error',
    severity: 'warning',
    title: 'Two agents have this id',
    message: `The configuration file has an agent ${id}, and so has the portal; the one of the file is in force.`,
    fix: 'Take it out of the configuration file, or make the agent of the portal anew under another name.',
    sinceMs,
  }
}
