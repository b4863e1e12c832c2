/** The SIEM agent's own flags, with the same meaning: `[--logsDirectory DIRNAME] [--proxy ADDRESS[:PORT]] --token TOKEN`. The old
 *  agent learned the rest from its portal; here the API's address is `--url` and the receiver `--syslog`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RelayError } from '@siem-relay/common'
import { ConfigError, loadConfig } from '@siem-relay/service-kit'
import type { LoadedRelayConfig } from '../config/load.ts'
import { relayConfigSchema } from '../config/schema.ts'
import type { Terminal } from '../terminal.ts'

export interface AgentFlags {
  readonly url?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly proxy?: string
  readonly logsDirectory?: string
  readonly syslog?: string
  readonly data?: string
}

/** Whether the command line describes a source by itself. */
export function hasAgentFlags(flags: AgentFlags): boolean {
  return (
    flags.url !== undefined || flags.token !== undefined || flags.tokenFile !== undefined || flags.syslog !== undefined
  )
}

/**
 * @throws {RelayError} `RELAY_USAGE` for flags that do not go together, `RELAY_CONFIG_INVALID` for values that cannot be.
 */
export function configOfFlags(
  flags: AgentFlags,
  configFile: string | undefined,
  terminal: Terminal,
): LoadedRelayConfig {
  if (configFile !== undefined)
    throw new RelayError(
      'RELAY_USAGE',
      `--url, --token, --token-file and --syslog describe a relay of their own, and ${configFile} another: use the file or the flags, not both`,
    )
  const { url } = flags
  if (url === undefined)
    throw new RelayError(
      'RELAY_USAGE',
      '--url is missing: the API address of Defender for Cloud Apps, such as https://contoso.us2.portal.cloudappsecurity.com',
    )
  const token = tokenOf(flags)
  const loaded = load(flags, url, token, terminal)
  const warnings =
    flags.token === undefined
      ? loaded.warnings
      : [
          ...loaded.warnings,
          '--token shows the token to every user of this machine in the process list: use --token-file',
        ]
  return { ...loaded, warnings }
}

/** The configuration that the flags stand for; its problems are told of the flags, which is what the user wrote. */
function load(flags: AgentFlags, url: string, token: string, terminal: Terminal): LoadedRelayConfig {
  try {
    return loadConfig({
      schema: relayConfigSchema,
      env: terminal.env,
      text: JSON.stringify({
        bus: { path: flags.data ?? join(terminal.cwd, 'data') },
        sources: [
          {
            id: 'mda',
            type: 'defender-for-cloud-apps',
            url,
            auth: { type: 'token', token },
            ...(flags.proxy === undefined ? {} : { proxy: flags.proxy }),
          },
        ],
        agents: [{ id: 'siem', ...destinationOf(flags.syslog) }],
        ...(flags.logsDirectory === undefined ? {} : { log: { directory: flags.logsDirectory } }),
      }),
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(
      error.problems.map(({ place, path, message }) => ({
        place: place.startsWith('SIEM_RELAY_') ? place : (flagOf(path) ?? 'command line'),
        path: '',
        message,
      })),
    )
  }
}

function flagOf(path: string): string | undefined {
  if (path.startsWith('agents')) return '--syslog'
  return new Map([
    ['sources[0].url', '--url'],
    ['sources[0].proxy', '--proxy'],
    ['sources[0].auth.token', '--token'],
    ['log.directory', '--logsDirectory'],
    ['bus.path', '--data'],
  ]).get(path)
}

function tokenOf({ token, tokenFile }: AgentFlags): string {
  if (token !== undefined && tokenFile !== undefined)
    throw new RelayError('RELAY_USAGE', '--token and --token-file are both given: use one')
  if (token !== undefined) return token
  if (tokenFile === undefined) throw new RelayError('RELAY_USAGE', '--token-file is missing: a file with an API token')
  try {
    return readFileSync(tokenFile, 'utf8').trim()
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', `cannot read the token file ${tokenFile}`, { cause })
  }
}

function destinationOf(syslog: string | undefined): object {
  if (syslog === undefined) return { console: true }
  const match = /^(udp|tcp|tls|relp):\/\/(\[[^\]]+\]|[^:/]+):(\d{1,5})$/.exec(syslog)
  if (match === null)
    throw new RelayError(
      'RELAY_USAGE',
      `--syslog ${JSON.stringify(syslog)} is no receiver: write udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or relp://HOST:PORT`,
    )
  const [, protocol, host = '', port] = match
  return { syslog: { protocol, host: host.replace(/^\[|\]$/g, ''), port: Number(port) } }
}
