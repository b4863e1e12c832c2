/** What commands that ask a log have in common: the configuration they go by, and control of its log. */
import { isAbsolute, join } from 'node:path'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { RelayConfig } from '../config/schema.ts'
import { type OpenedControl, openControl } from '../control/open.ts'
import type { Terminal } from '../terminal.ts'

export interface ControlOptions {
  readonly config?: string
  /** Directory of the embedded log, instead of the configuration's. */
  readonly data?: string
}

export async function withControl<T>(
  options: ControlOptions,
  terminal: Terminal,
  work: (opened: OpenedControl) => Promise<T>,
): Promise<T> {
  const { config } = loadRelayConfig(findConfigFile(options.config, terminal), terminal)
  await using opened = await openControl(withData(config, options, terminal))
  return await work(opened)
}

/** The configuration with the directory of its log as a command means it. */
export function withData(config: RelayConfig, { data }: ControlOptions, { cwd }: Terminal): RelayConfig {
  const path = data ?? config.bus.path
  return { ...config, bus: { ...config.bus, path: isAbsolute(path) ? path : join(cwd, path) } }
}
