/** What commands that ask a log have in common: the configuration they go by, and control of its log. */
import { isAbsolute, join } from 'node:path'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
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
  const path = options.data ?? config.bus.path
  await using opened = await openControl({
    ...config,
    bus: { ...config.bus, path: isAbsolute(path) ? path : join(terminal.cwd, path) },
  })
  return await work(opened)
}
