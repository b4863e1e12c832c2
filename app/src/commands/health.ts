/** `siem-relay health`: asks the relay that runs here whether it is ready, for container health checks. Needs no other program.
 *  Exit code 0 or 1, nothing else: Docker reserves 2. */
import { connect } from 'node:net'
import { ConfigError, formatListen, parseListen } from '@siem-relay/service-kit'
import { findConfigFile, loadRelayConfig } from '../config/load.ts'
import type { Terminal } from '../terminal.ts'

export interface HealthOptions {
  readonly config?: string
  /** Whether it is alive at all, instead of ready. */
  readonly live?: boolean
  /** Only whether this address takes connections. */
  readonly connect?: string
  readonly json?: boolean
}

const timeoutMs = 5_000

export async function health(options: HealthOptions, terminal: Terminal): Promise<void> {
  try {
    const answer =
      options.connect === undefined
        ? await ask(adminUrl(options, terminal), options.json === true)
        : await tryConnection(options.connect)
    terminal.stdout.write(answer)
    terminal.setExitCode(0)
  } catch (error) {
    const text = error instanceof ConfigError ? error.message : error instanceof Error ? error.message : String(error)
    terminal.stderr.write(`${text.trimEnd()}\n`)
    terminal.setExitCode(1)
  }
}

/** The admin endpoint of the configuration in force, as this machine reaches it. */
function adminUrl({ config: named, live }: HealthOptions, terminal: Terminal): string {
  const { config } = loadRelayConfig(findConfigFile(named, terminal), terminal)
  const listen = parseListen(config.admin.listen)
  if (listen.port === 0) throw new Error('admin.listen has port 0, a free one: give it a port, so that it can be asked')
  return `http://${formatListen(reachable(listen))}/${live === true ? 'livez' : 'readyz?verbose'}`
}

/** An address of all interfaces is one to listen on; to connect to it, its loopback is meant. */
function reachable({ host, port }: ReturnType<typeof parseListen>): ReturnType<typeof parseListen> {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port }
  return { host: host === '::' ? '::1' : host, port }
}

async function ask(url: string, isJson: boolean): Promise<string> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error',
    headers: isJson ? { accept: 'application/json' } : {},
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new Error(`${url} does not answer (${cause}): the relay is not running here, or listens elsewhere`)
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}

async function tryConnection(address: string): Promise<string> {
  const { host, port } = reachable(parseListen(address))
  const socket = connect({ host, port })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
      socket.setTimeout(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)))
    })
  } catch (error) {
    throw new Error(`${address} takes no connection: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    socket.destroy()
  }
  return `${address} takes connections\n`
}
