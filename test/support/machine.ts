/** A machine for the commands of the docs, as their reader types them: a shell in a directory like a clone of ours, with `siem-relay`
 *  installed, and a network of its own that has this machine alone in it, so that ports are those of the docs. Linux, as root. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryDirectory } from './relay.ts'

const root = join(import.meta.dirname, '..', '..')
/** A command that has not said for so long what is waited for will not. */
const sayMsMax = 90_000
const clone = ['app', 'deploy', 'node_modules', 'package.json', 'packages', 'scripts', 'services']

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  /** Resolves with what matched, once standard output or error does. @throws when it ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  /** Ctrl-C. */
  interrupt(): Promise<Outcome>
  readonly ended: Promise<Outcome>
}

export interface Machine extends AsyncDisposable {
  readonly directory: string
  write(file: string, content: string): void
  read(file: string): string
  start(line: string): Running
  run(line: string): Promise<Outcome>
}

export async function startMachine(): Promise<Machine> {
  await using stack = new AsyncDisposableStack()
  const { path: directory } = stack.use(temporaryDirectory())
  for (const name of clone) symlinkSync(join(root, name), join(directory, name))
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  symlinkSync(join(root, 'app', 'bin', 'siem-relay.mjs'), join(bin, 'siem-relay'))
  const holder = await startNetwork()
  stack.defer(async () => {
    holder.stdin?.end()
    await once(holder, 'exit')
  })
  const env = {
    PATH: [bin, dirname(process.execPath), process.env.PATH].join(':'),
    HOME: directory,
    npm_config_update_notifier: 'false',
  }
  const left = new Set<Running>()
  stack.defer(async () => {
    await Promise.all([...left].map((running) => running.interrupt()))
  })
  const start = (line: string): Running => {
    const child = spawn('nsenter', [`--net=/proc/${holder.pid}/ns/net`, 'bash', '-c', line], {
      cwd: directory,
      env,
      // Of a group of its own, as a shell starts it: Ctrl-C goes to all of it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const running = runningOf(child, line)
    left.add(running)
    void running.ended.then(() => left.delete(running))
    return running
  }
  const closing = stack.move()
  return {
    directory,
    write: (file, content) => {
      mkdirSync(dirname(join(directory, file)), { recursive: true })
      writeFileSync(join(directory, file), content, { mode: 0o600 })
    },
    read: (file) => readFileSync(join(directory, file), 'utf8'),
    start,
    run: (line) => start(line).ended,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Holds the network for as long as its standard input is open. */
async function startNetwork(): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(holder, 'exit').then(([code]) => {
    throw new Error(`unshare --net ended with ${code}: these tests need root and iproute2 (bash scripts/receivers.sh)`)
  })
  await Promise.race([once(holder.stdout, 'data'), ended])
  ended.catch(() => undefined)
  return holder
}

function runningOf(child: ChildProcess, line: string): Running {
  const said = { out: '', err: '' }
  const listeners = new Set<() => void>()
  const keep = (stream: 'out' | 'err') => (chunk: Buffer) => {
    said[stream] += chunk.toString('utf8')
    for (const listener of listeners) listener()
  }
  child.stdout?.on('data', keep('out'))
  child.stderr?.on('data', keep('err'))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  return {
    ended,
    until: async (pattern) => {
      const found = Promise.withResolvers<RegExpExecArray>()
      const look = (): void => {
        const match = pattern.exec(said.out) ?? pattern.exec(said.err)
        if (match !== null) found.resolve(match)
      }
      listeners.add(look)
      look()
      const fail = (why: string): void => found.reject(new Error(`${line}: ${why} ${pattern}: ${JSON.stringify(said)}`))
      void ended.then(() => fail('ended and never said'))
      const timer = setTimeout(() => fail(`has not said for ${sayMsMax} ms`), sayMsMax)
      return found.promise.finally(() => {
        clearTimeout(timer)
        listeners.delete(look)
      })
    },
    interrupt: async () => {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        process.kill(-child.pid, 'SIGINT')
      return ended
    },
  }
}
