/** The `siem-relay` command on a real pseudo-terminal, as a person has it. Needs python3. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const script = join(import.meta.dirname, '..', '..', 'app', 'bin', 'siem-relay.mjs')

interface PtyResult {
  /** Negative: the signal that ended it. */
  readonly code: number
  /** Whether the terminal's own settings are what they were. */
  readonly isRestored: boolean
  /** Everything written, in order. */
  readonly out: string
}

export interface Pty {
  readonly result: Promise<PtyResult>
  type(keys: string): void
  signal(number: number): void
  /** Resolves once what was written matches. */
  saying(pattern: RegExp): Promise<void>
}

export function startOnPty(
  directory: string,
  args: readonly string[],
  { env = {}, columns = 80, rows = 24 }: { env?: Record<string, string>; columns?: number; rows?: number } = {},
): Pty {
  const child = spawn(
    'python3',
    [join(import.meta.dirname, 'pseudo-terminal.py'), String(rows), String(columns), process.execPath, script, ...args],
    { cwd: directory, env: { PATH: process.env.PATH ?? '', TERM: 'xterm', ...env } },
  )
  let out = ''
  let err = ''
  const listeners = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
    for (const listener of listeners) listener()
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
  })
  const result = once(child, 'close').then(() => {
    const ending = err.trim().split('\n').at(-1) ?? ''
    if (!ending.startsWith('{')) throw new Error(`the terminal failed: ${err}\n${out}`)
    return { ...(JSON.parse(ending) as { code: number; isRestored: boolean }), out }
  })
  return {
    result,
    type: (keys) => child.stdin.write(keys),
    signal: (number) => child.stdin.write(`\0${number}`),
    saying: async (pattern) => {
      const said = new Promise<void>((resolve) => {
        const look = (): void => {
          if (pattern.test(out)) resolve()
        }
        listeners.add(look)
        look()
      })
      const ended = result.then((ending) => {
        if (!pattern.test(ending.out)) throw new Error(`it never said ${pattern}: ${JSON.stringify(ending)}`)
      })
      await Promise.race([said, ended])
    },
  }
}

/** What a person saw: each page or line without what moves the cursor, colours or clears. */
export function seenOf(out: string): readonly string[] {
  const pages = out.replaceAll('\u001b[H', '\n')
  const plain = pages.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
  return plain.split(/\r+\n|\r|\n/)
}
