/** The process as commands see it: streams, environment, exit code. A test passes its own. */
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { RelayError } from '@siem-relay/common'
import { exitCodeOf } from '@siem-relay/service-kit'

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  setExitCode(code: number): void
  /** Calls back at Ctrl-C, and when the process is asked to end or its terminal goes, instead of ending it; the returned function
   *  ends that. */
  onInterrupt(listener: () => void): () => void
  /** Says what went wrong in words for a person, with the next move, and sets the exit code. Unexpected errors keep their stack. */
  fail(error: unknown): void
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const systemTerminal: Terminal = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  setExitCode: (code) => {
    process.exitCode = code
  },
  onInterrupt: (listener) => {
    for (const signal of endingSignals) process.on(signal, listener)
    return () => {
      for (const signal of endingSignals) process.off(signal, listener)
    }
  },
  fail: (error) => {
    process.stderr.write(`siem-relay: ${describeFailure(error)}\n`)
    process.exitCode = exitCodeOf(error)
  },
}

/** A message for a person; a stack only for what nobody expected. */
function describeFailure(error: unknown): string {
  if (error instanceof RelayError) return `${error.message}\n  → ${error.nextMove}`
  if (error instanceof Error) return error.stack ?? error.message
  return String(error)
}

/** Whether a file is there to be read; anything but "not there" counts as there, so that its real trouble is reported. */
export function isPresent(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT')
  }
}
