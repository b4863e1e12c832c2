/** Finds and loads the configuration of a command: the file named, else ./siem-relay.yaml, else none. */
import { isAbsolute, join } from 'node:path'
import { type LoadedConfig, loadConfig, type ReadFile } from '@siem-relay/service-kit'
import { isPresent, type Terminal } from '../terminal.ts'
import { relayConfigSchema } from './schema.ts'

const defaultFile = 'siem-relay.yaml'

export type LoadedRelayConfig = LoadedConfig<typeof relayConfigSchema>

/** The file a command works with; undefined when none was named and none is there. */
export function findConfigFile(named: string | undefined, terminal: Terminal): string | undefined {
  if (named !== undefined) return named
  return isPresent(join(terminal.cwd, defaultFile)) ? defaultFile : undefined
}

/**
 * @param readFile told of every file the configuration is made of.
 * @throws {ConfigError} with every problem and its place.
 */
export function loadRelayConfig(file: string | undefined, terminal: Terminal, readFile?: ReadFile): LoadedRelayConfig {
  const path = file === undefined || isAbsolute(file) ? file : join(terminal.cwd, file)
  return loadConfig({
    schema: relayConfigSchema,
    env: terminal.env,
    ...(path === undefined ? {} : { file: path }),
    ...(readFile === undefined ? {} : { readFile }),
  })
}
