/** `siem-relay echo-config`: the configuration in force, secrets redacted, each value with its origin. */
import { renderConfig } from '@siem-relay/service-kit'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { Terminal } from '../terminal.ts'

export interface EchoConfigOptions {
  readonly config?: string
  readonly json?: boolean
}

export function echoConfig(options: EchoConfigOptions, terminal: Terminal): void {
  const { config, origins } = loadRelayConfig(findConfigFile(options.config, terminal), terminal)
  // Secrets give themselves as [redacted] to JSON and to the renderer alike.
  if (options.json === true)
    terminal.stdout.write(`${JSON.stringify({ config, origins: Object.fromEntries(origins) })}\n`)
  else terminal.stdout.write(renderConfig(config, origins))
}
