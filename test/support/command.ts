/** The `siem-relay` command beside a relay that runs: in this process, or as one of its own where signals matter. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type CommandOutcome, runInProcess } from '../../app/src/testing/terminal.ts'

const script = join(import.meta.dirname, '..', '..', 'app', 'bin', 'siem-relay.mjs')

interface CommandResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command that runs in the directory of a relay's configuration. */
export interface RunningCommand {
  readonly result: Promise<CommandResult>
  /** Resolves once standard error matches. */
  saying(pattern: RegExp): Promise<void>
  /** Standard output so far. */
  said(): string
  interrupt(): void
}

export function startCommand(directory: string, args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
  })
  let out = ''
  let err = ''
  const listeners = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
    for (const listener of listeners) listener()
  })
  const result = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
  return {
    result,
    saying: async (pattern) => {
      const said = new Promise<void>((resolve) => {
        const look = (): void => {
          if (pattern.test(err)) resolve()
        }
        listeners.add(look)
        look()
      })
      const ended = result.then((ending) => {
        if (!pattern.test(ending.err)) throw new Error(`it never said ${pattern}: ${JSON.stringify(ending)}`)
      })
      await Promise.race([said, ended])
    },
    said: () => out,
    interrupt: () => child.kill('SIGINT'),
  }
}

/** Runs a command in this process. @param directory where `siem-relay.yaml` is. */
export function runCommand(directory: string, ...args: readonly string[]): Promise<CommandOutcome> {
  return runInProcess(args, { cwd: directory })
}

/** The JSON a command prints. @throws with everything it said when that is none. */
export async function jsonOf<T>(directory: string, ...args: readonly string[]): Promise<T> {
  const result = await runCommand(directory, ...args, '--json')
  try {
    return JSON.parse(result.out) as T
  } catch (cause) {
    throw new Error(`siem-relay ${args.join(' ')} said ${JSON.stringify(result)}`, { cause })
  }
}
