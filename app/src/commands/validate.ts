/** `siem-relay validate`: checks a configuration without starting anything. */
import { ConfigError } from '@siem-relay/service-kit'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { Terminal } from '../terminal.ts'

export interface ValidateOptions {
  readonly config?: string
  readonly json?: boolean
}

export function validate(options: ValidateOptions, terminal: Terminal): void {
  const file = findConfigFile(options.config, terminal)
  try {
    const { config, warnings } = loadRelayConfig(file, terminal)
    if (options.json === true) {
      terminal.stdout.write(`${JSON.stringify({ valid: true, problems: [], warnings })}\n`)
      return
    }
    for (const warning of warnings) terminal.stderr.write(`warning: ${warning}\n`)
    const from = file ?? 'environment and defaults'
    terminal.stdout.write(`${from}: valid; ${config.sources.length} sources, ${config.agents.length} agents\n`)
  } catch (error) {
    if (options.json !== true || !(error instanceof ConfigError)) throw error
    terminal.stdout.write(`${JSON.stringify({ valid: false, problems: error.problems, warnings: [] })}\n`)
    terminal.setExitCode(78)
  }
}
