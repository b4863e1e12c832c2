/** `siem-relay doctor`: looks for what would keep the relay from its work, and says what to do about each. Changes nothing. */
import { openSourceProbe, type SourceConfig } from '@siem-relay/collector'
import { describeError, printableJson } from '@siem-relay/common'
import { ConfigError, systemClock } from '@siem-relay/service-kit'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { RelayConfig } from '../config/schema.ts'
import { examine, isWell, type Subject, type SubjectReport } from '../doctor/check.ts'
import { logSubject } from '../doctor/checks/log.ts'
import { machineSubject } from '../doctor/checks/machine.ts'
import { receiverSubject } from '../doctor/checks/receiver.ts'
import { sourceSubject } from '../doctor/checks/source.ts'
import { reportText } from '../doctor/report.ts'
import { examineSentinel } from '../doctor/sentinel/examine.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { type ControlOptions, withData } from './with-control.ts'

export interface DoctorOptions extends ControlOptions {
  readonly json?: boolean
}

/** Exit code 1 when something failed. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<void> {
  const { config, report } = examineConfiguration(options, terminal)
  const reports = [report]
  if (config !== undefined) {
    const plain = [logSubject(config, systemClock), machineSubject(config), ...receivers(config)]
    for (const subject of plain) reports.push(await examine(subject))
    for (const agent of config.agents)
      if (agent.enabled && agent.sentinel !== undefined)
        reports.push(
          await examineSentinel({ agent, sentinel: agent.sentinel, sources: config.sources, env: terminal.env }),
        )
    for (const source of config.sources) reports.push(await examineSource(source, terminal))
  }
  const isAllWell = isWell(reports)
  terminal.stdout.write(
    options.json === true ? `${printableJson({ isWell: isAllWell, subjects: reports })}\n` : reportText(reports),
  )
  if (!isAllWell) terminal.setExitCode(1)
}

/** Without a configuration there is nothing else to examine. */
function examineConfiguration(
  options: DoctorOptions,
  terminal: Terminal,
): { readonly config?: RelayConfig; readonly report: SubjectReport } {
  const file = findConfigFile(options.config, terminal)
  const subject = `configuration (${file ?? 'environment and defaults'})`
  try {
    const { config, warnings } = loadRelayConfig(file, terminal)
    const counts = `${config.sources.length} sources, ${config.agents.length} agents`
    const [first, ...more] = [
      ...(config.sources.length === 0 ? ['there is no source: nothing is collected'] : []),
      ...(config.agents.some(({ enabled }) => enabled) ? [] : ['no agent is enabled: nothing is sent']),
      ...warnings,
    ]
    return {
      config: withData(config, options, terminal),
      report: {
        subject,
        findings: [
          first === undefined
            ? { check: 'settings', status: 'ok', seen: `valid; ${counts}` }
            : {
                check: 'settings',
                status: 'warning',
                seen: [`valid; ${counts}`, first, ...more].join('. '),
                fix: 'Change what is named, unless it is meant so: a demo, a laboratory.',
              },
        ],
      },
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const fix = 'Correct the named lines; `siem-relay validate` checks again.'
    return {
      report: {
        subject,
        findings: [{ check: 'settings', status: 'failed', seen: describeError(error).replaceAll('\n', '; '), fix }],
      },
    }
  }
}

function receivers({ agents }: RelayConfig): readonly Subject[] {
  return agents
    .filter(({ enabled }) => enabled)
    .map((agent) => receiverSubject(agent, systemClock))
    .filter((subject) => subject !== undefined)
}

async function examineSource(source: SourceConfig, { env }: Terminal): Promise<SubjectReport> {
  try {
    const probe = openSourceProbe(source, { clock: systemClock, env, userAgent: `siem-relay/${version} doctor` })
    await using _ = probe
    return await examine(sourceSubject({ source, probe, clock: systemClock }))
  } catch (error) {
    // An authority's file that cannot be read, before anything was asked.
    const check = { name: 'settings', run: () => Promise.reject(error) }
    return examine({ name: `source ${source.id} (${source.type})`, checks: [check] })
  }
}
