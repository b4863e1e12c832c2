/** A command line run in this process, with a terminal of the test's own. */
import { Readable, Writable } from 'node:stream'
import { RelayError } from '@siem-relay/common'
import { exitCodeOf } from '@siem-relay/service-kit'
import { runCli } from '../cli.ts'

export interface CommandLine {
  readonly cwd: string
  /** What the user types; with it, standard input is a terminal. */
  readonly typed?: string
}

export interface CommandOutcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function runInProcess(args: readonly string[], { cwd, typed }: CommandLine): Promise<CommandOutcome> {
  const out: string[] = []
  const err: string[] = []
  let code = 0
  await runCli(args, {
    stdin: Object.assign(Readable.from(typed === undefined ? [] : [typed]), { isTTY: typed !== undefined }),
    stdout: keeping(out),
    stderr: keeping(err),
    env: {},
    cwd,
    setExitCode: (wanted) => {
      code = wanted
    },
    onInterrupt: () => () => undefined,
    fail: (error) => {
      if (!(error instanceof RelayError)) throw error
      err.push(error.message)
      code = exitCodeOf(error)
    },
  })
  return { code, out: out.join(''), err: err.join('') }
}

function keeping(chunks: string[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
}
