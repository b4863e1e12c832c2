/** `siem-relay doctor sentinel`: whether agents can deliver to Microsoft Sentinel, and if not, what to do. Starts nothing, and reads
 *  no record of the log. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import {
  type AgentDefinition,
  type EventKind,
  printableJson,
  RelayError,
  rawKindOf,
  type SentinelDestination,
  sentinelTables,
  wants,
} from '@siem-relay/common'
import { openProbe } from '@siem-relay/sentinel-sender'
import { systemClock } from '@siem-relay/service-kit'
import { type DataCollectionRule, readRuleTemplate } from '@siem-relay/simulator'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { RelayConfig } from '../config/schema.ts'
import { examine, isWell, type SubjectReport } from '../doctor/check.ts'
import { reportText } from '../doctor/report.ts'
import { lateSources } from '../doctor/sentinel/late-sources.ts'
import { sampleRows } from '../doctor/sentinel/samples.ts'
import { sentinelSubject } from '../doctor/sentinel/subject.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

export interface DoctorSentinelOptions {
  readonly config?: string
  readonly agent?: string
  /** Sends a row that says it is a test. */
  readonly canary?: boolean
  /** File with the data collection rule as deployed. */
  readonly rule?: string
  /** Writes sample rows there, and checks nothing. */
  readonly samples?: string
  readonly json?: boolean
}

interface SentinelAgent {
  readonly agent: AgentDefinition
  readonly sentinel: SentinelDestination
}

/** @throws {RelayError} `RELAY_USAGE` for an agent or a rule that is not there; `RELAY_CONFIG_INVALID`. */
export async function doctorSentinel(options: DoctorSentinelOptions, terminal: Terminal): Promise<void> {
  if (options.samples !== undefined) {
    writeSamples(absolute(options.samples, terminal), terminal)
    return
  }
  const { config } = loadRelayConfig(findConfigFile(options.config, terminal), terminal)
  const rules = options.rule === undefined ? undefined : readRule(absolute(options.rule, terminal))
  const canary = options.canary === true ? randomUUID() : undefined
  const reports: SubjectReport[] = []
  for (const { agent, sentinel } of agentsOf(config, options.agent)) {
    await using probe = openProbe(sentinel, {
      clock: systemClock,
      env: terminal.env,
      userAgent: `siem-relay/${version} doctor`,
    })
    const kinds = (Object.keys(sentinelTables) as EventKind[]).filter((kind) => wants(agent, rawKindOf[kind]))
    const subject = sentinelSubject({
      agent,
      sentinel,
      kinds,
      probe,
      clock: systemClock,
      env: terminal.env,
      rules,
      canary,
      lateSources: lateSources(config.sources, agent),
    })
    reports.push(await examine(subject))
  }
  const isAllWell = isWell(reports)
  terminal.stdout.write(
    options.json === true ? `${printableJson({ isWell: isAllWell, subjects: reports })}\n` : reportText(reports),
  )
  if (!isAllWell) terminal.setExitCode(1)
}

function agentsOf(config: RelayConfig, id: string | undefined): readonly SentinelAgent[] {
  const all = config.agents.flatMap((agent) =>
    agent.sentinel === undefined ? [] : { agent, sentinel: agent.sentinel },
  )
  const wanted = id === undefined ? all : all.filter(({ agent }) => agent.id === id)
  if (wanted.length > 0) return wanted
  const known = all.map(({ agent }) => agent.id).join(', ') || 'none'
  const what = id === undefined ? 'no agent' : `no agent ${id}`
  throw new RelayError('RELAY_USAGE', `the configuration has ${what} with sentinel; it has: ${known}`)
}

function readRule(path: string): readonly DataCollectionRule[] {
  try {
    return readRuleTemplate(readFileSync(path, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RelayError('RELAY_USAGE', `--rule ${path}: ${reason}`, { cause })
  }
}

function writeSamples(directory: string, terminal: Terminal): void {
  const startMs = Date.now() - 3_600_000
  try {
    mkdirSync(directory, { recursive: true })
    for (const [kind, { table }] of Object.entries(sentinelTables)) {
      const path = join(directory, `${table}.json`)
      writeFileSync(path, `${JSON.stringify(sampleRows(kind as EventKind, startMs), undefined, 2)}\n`)
      terminal.stdout.write(`${path}\n`)
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RelayError('RELAY_USAGE', `samples cannot be written: ${reason}`, { cause })
  }
}

function absolute(path: string, { cwd }: Terminal): string {
  return isAbsolute(path) ? path : join(cwd, path)
}
