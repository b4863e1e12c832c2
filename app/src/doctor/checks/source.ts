/** A source: credentials and rights, one request for each kind of record; and what time the other side thinks it is. */
import { accessSync, constants, statSync } from 'node:fs'
import type { SourceConfig, SourceProbe } from '@siem-relay/collector'
import { type Clock, describeError } from '@siem-relay/common'
import type { Check, Finding, Subject } from '../check.ts'
import { reachCheck } from './reach.ts'

const askMs = 30_000
/** Entra refuses tokens, and filters by time go wrong, from about five minutes on. */
const skewMsMax = { ok: 30_000, warning: 240_000 } as const

export interface SourceParts {
  readonly source: SourceConfig
  /** Of a source that asks an API. */
  readonly probe: SourceProbe | undefined
  readonly clock: Clock
}

export function sourceSubject({ source, probe, clock }: SourceParts): Subject {
  const checks = probe === undefined ? ownChecks(source, clock) : apiChecks(probe)
  return { name: `source ${source.id} (${source.type})`, checks }
}

function apiChecks(probe: SourceProbe): readonly Check[] {
  let aheadMs: number | undefined
  return [
    ...probe.subjects.map(
      (subject): Check => ({
        name: subject,
        run: async () => {
          const measured = await probe.ask(subject, AbortSignal.timeout(askMs))
          aheadMs ??= measured
          return { status: 'ok', seen: `${probe.host} gives them to these credentials` }
        },
      }),
    ),
    { name: 'clock', run: async () => skewFinding(aheadMs, probe.host) },
  ]
}

function skewFinding(aheadMs: number | undefined, host: string): Finding {
  if (aheadMs === undefined) return { status: 'skipped', seen: `${host} has told no time` }
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  const seen = `this machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ${host}`
  if (Math.abs(aheadMs) <= skewMsMax.ok) return { status: 'ok', seen }
  return {
    status: Math.abs(aheadMs) <= skewMsMax.warning ? 'warning' : 'failed',
    seen,
    fix: 'Set the clock by NTP (timedatectl set-ntp true, or chrony): times in lines are off, and tokens are refused at five minutes.',
  }
}

/** Sources that others bring records to. */
function ownChecks(source: SourceConfig, clock: Clock): readonly Check[] {
  if (source.type === 'defender-streaming')
    return source.brokers.map((broker) =>
      reachCheck(
        `broker ${broker}`,
        broker,
        clock,
        "Check the source's brokers, firewall, and that the port is the one of Kafka (Event Hubs: 9093).",
      ),
    )
  if (source.type === 'discovery-intake' && source.directory !== undefined) {
    const { path } = source.directory
    return [{ name: 'directory', run: async () => directoryFinding(path) }]
  }
  return [
    {
      name: 'settings',
      run: async () => ({ status: 'ok', seen: 'records are brought to this source: nothing to ask' }),
    },
  ]
}

function directoryFinding(path: string): Finding {
  try {
    if (!statSync(path).isDirectory()) throw new Error('it is no directory')
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return { status: 'ok', seen: `${path} can be read and written` }
  } catch (error) {
    return {
      status: 'failed',
      seen: `${path}: ${describeError(error)}`,
      fix: `Create ${path}, and give the relay's user the right to read, write and rename in it.`,
    }
  }
}
