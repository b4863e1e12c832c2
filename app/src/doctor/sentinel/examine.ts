/** Examines one agent's way to Microsoft Sentinel, from its settings to its streams. */
import {
  type AgentDefinition,
  type EventKind,
  rawKindOf,
  type SentinelDestination,
  sentinelTables,
  wants,
} from '@siem-relay/common'
import { openProbe } from '@siem-relay/sentinel-sender'
import { systemClock } from '@siem-relay/service-kit'
import type { DataCollectionRule } from '@siem-relay/simulator'
import type { RelayConfig } from '../../config/schema.ts'
import type { Terminal } from '../../terminal.ts'
import { version } from '../../version.ts'
import { examine, type SubjectReport } from '../check.ts'
import { lateSources } from './late-sources.ts'
import { sentinelSubject } from './subject.ts'

export interface SentinelAgent {
  readonly agent: AgentDefinition
  readonly sentinel: SentinelDestination
}

export interface SentinelExamination extends SentinelAgent {
  readonly sources: RelayConfig['sources']
  /** The data collection rule as deployed, to compare columns with. */
  readonly rules?: readonly DataCollectionRule[] | undefined
  /** Names a row that is stored; without it, nothing is. */
  readonly canary?: string | undefined
  readonly env: Terminal['env']
}

export async function examineSentinel({
  agent,
  sentinel,
  sources,
  rules,
  canary,
  env,
}: SentinelExamination): Promise<SubjectReport> {
  await using probe = openProbe(sentinel, { clock: systemClock, env, userAgent: `siem-relay/${version} doctor` })
  const kinds = (Object.keys(sentinelTables) as EventKind[]).filter((kind) => wants(agent, rawKindOf[kind]))
  const subject = sentinelSubject({
    agent,
    sentinel,
    kinds,
    probe,
    clock: systemClock,
    env,
    rules,
    canary,
    lateSources: lateSources(sources, agent),
  })
  return examine(subject)
}
