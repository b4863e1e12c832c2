/** The relay as its user runs it: a process of its own, started from a configuration file, killed or stopped from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..', '..')

export interface RelayProcess {
  readonly child: ChildProcess
  readonly pid: number
  /** Where /metrics answers. */
  readonly adminUrl: string
  /** Lines on standard error so far, the last 1,000. */
  readonly log: readonly string[]
  /** Writes another configuration over the file, as editors do; a text goes in as it is. */
  configure(config: object | string): void
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<number | null>
}

/**
 * Starts `siem-relay run` and waits until it says that it runs.
 * @param config as in siem-relay.yaml; JSON is YAML.
 * @param services which of them; default: all.
 * @throws when it exits first, with what it said.
 */
export async function startRelayProcess(
  directory: string,
  config: object,
  env: Record<string, string> = {},
  services: readonly string[] = [],
): Promise<RelayProcess> {
  const file = join(directory, 'siem-relay.yaml')
  const base = {
    bus: { path: join(directory, 'log'), freeBytesMin: 16_777_216 },
    admin: { listen: '127.0.0.1:0' },
    portal: { listen: '127.0.0.1:0' },
  }
  const configure = (next: object | string): void => {
    const text = typeof next === 'string' ? next : JSON.stringify({ ...base, ...next })
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  configure(config)
  const args = ['run', '--config', file, ...services.flatMap((service) => ['--service', service])]
  const child = spawn(process.execPath, [join(root, 'app', 'bin', 'siem-relay.mjs'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  const log: string[] = []
  const exited = once(child, 'exit')
  const running = Promise.withResolvers<string>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line)
    if (log.length > 1_000) log.shift()
    const adminUrl = /^Metrics: (\S+)\/metrics/.exec(line)?.[1]
    if (adminUrl !== undefined) running.resolve(adminUrl)
  })
  void exited.then(([code]) => running.reject(new Error(`the relay ended with ${code}:\n${log.join('\n')}`)))
  const adminUrl = await running.promise
  return {
    child,
    pid: child.pid ?? 0,
    adminUrl,
    log,
    configure,
    kill: async (signal) => {
      child.kill(signal)
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}

export interface AgentProcess {
  readonly child: ChildProcess
  /** Lines on standard error so far, the last 1,000. */
  readonly log: readonly string[]
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
}

/** Starts `siem-relay agent` and waits until it says that it works. @throws when it exits first, with what it said. */
export async function startAgentProcess(directory: string, flags: readonly string[]): Promise<AgentProcess> {
  const child = spawn(process.execPath, [join(root, 'app', 'bin', 'siem-relay.mjs'), 'agent', ...flags], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
  })
  const log: string[] = []
  const exited = once(child, 'exit')
  const running = Promise.withResolvers<void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line)
    if (log.length > 1_000) log.shift()
    if (line.startsWith('siem-relay agent works for')) running.resolve()
  })
  void exited.then(([code]) => running.reject(new Error(`the agent ended with ${code}:\n${log.join('\n')}`)))
  await running.promise
  return {
    child,
    log,
    kill: async (signal) => {
      child.kill(signal)
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}

/** Resident memory of a process in bytes (Linux). */
export async function residentBytes(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises')
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kb) * 1024
}

/** User and system CPU seconds of a process so far (Linux, 100 ticks a second). */
export async function cpuSeconds(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises')
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
