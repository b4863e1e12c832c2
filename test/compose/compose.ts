/** docker-compose.yml as its user runs it, under a project name of its own and on free ports; everything goes at the end. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function docker(...args: readonly string[]): Promise<Outcome> {
  const child = spawn('docker', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PORTAL_PORT: '0',
      SIMULATOR_PORT: '0',
      PROMETHEUS_PORT: '0',
      SIEM_RELAY_DEMO: '1',
      SIEM_RELAY_CONFIG: '',
    },
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 127, out: '', err: error.message }))
    child.on('close', (code) =>
      resolve({ code: code ?? 1, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }),
    )
  })
}

export class Compose implements AsyncDisposable {
  readonly project: string

  private constructor(project: string) {
    this.project = project
  }

  /** @throws when no Docker answers, or one without compose. */
  static async open(): Promise<Compose> {
    for (const args of [['version'], ['compose', 'version']]) {
      const { code, err } = await docker(...args)
      if (code !== 0)
        throw new Error(
          `\`docker ${args.join(' ')}\` fails: these tests need a running Docker with the compose plugin\n${err}`,
        )
    }
    return new Compose(`siem-relay-test-${process.pid}`)
  }

  /** @throws with what it said and how the services are, when it fails. */
  async run(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.try(...args)
    if (code !== 0)
      throw new Error(`docker compose ${args.join(' ')} ended with ${code}\n${err}\n${await this.state()}`)
    return out
  }

  try(...args: readonly string[]): Promise<Outcome> {
    return docker('compose', '--project-name', this.project, ...args)
  }

  /** Starts what is not running and waits until all of it is healthy. */
  async up(...args: readonly string[]): Promise<void> {
    await this.run('up', '--detach', '--wait', '--wait-timeout', '300', ...args)
  }

  /** Where a service's port is on this machine. */
  async url(service: string, port: number): Promise<string> {
    return `http://${(await this.run('port', service, String(port))).trim()}`
  }

  logs(service: string, ...args: readonly string[]): Promise<string> {
    return this.run('logs', '--no-log-prefix', '--no-color', ...args, service)
  }

  /** Polls until `look` finds what it looks for. @throws with the state of the services when it takes too long. */
  async eventually<Found>(what: string, look: () => Promise<Found | undefined>, withinMs = 240_000): Promise<Found> {
    const deadline = performance.now() + withinMs
    let last: unknown
    while (performance.now() < deadline) {
      try {
        const found = await look()
        if (found !== undefined) return found
        last = undefined
      } catch (error) {
        last = error
      }
      // Docker offers nothing to wait for.
      await new Promise((resolve) => setTimeout(resolve, 2_000))
    }
    throw new Error(`not so within ${withinMs} ms: ${what}\n${String(last ?? '')}\n${await this.state()}`)
  }

  /** For a person who has to find out. */
  async state(): Promise<string> {
    const { out: services } = await this.try('ps', '--all')
    const { out: logs } = await this.try(
      'logs',
      '--no-color',
      '--tail',
      '15',
      'collector',
      'formatter',
      'syslog-sender',
      'sentinel-sender',
      'portal',
    )
    return `${services}\n${logs}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.try('down', '--volumes', '--remove-orphans', '--timeout', '20')
  }
}
