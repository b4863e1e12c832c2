/** `siem-relay doctor sentinel`: whether agents can deliver to Microsoft Sentinel, and if not, what to do. Starts nothing, and reads
 *  no record of the log. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { type EventKind, printableJson, RelayError, sentinelTables } from '@siem-relay/common'
import { type DataCollectionRule, readRuleTemplate } from '@siem-relay/simulator'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { RelayConfig } from '../config/schema.ts'
import { isWell, type SubjectReport } from '../doctor/check.ts'
import { reportText } from '../doctor/report.ts'
import { examineSentinel, type SentinelAgent } from '../doctor/sentinel/examine.ts'
import { sampleRows } from '../doctor/sentinel/samples.ts'
import type { Terminal } from '../terminal.ts'

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
  for (const agent of agentsOf(config, options.agent))
    reports.push(await examineSentinel({ ...agent, sources: config.sources, rules, canary, env: terminal.env }))
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
