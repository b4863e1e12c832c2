/** Starts testing/child.ts and listens to what it tells. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./child.ts', import.meta.url))

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  #last = ''

  constructor(path: string, task: 'hold' | 'work') {
    const child = spawn(process.execPath, [script, path, task], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** The next line it prints. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next()
    if (done === true) throw new Error(`the child ended after ${JSON.stringify(this.#last)}`)
    this.#last = value
    return value
  }

  /** Kills it without warning. @returns the last line it printed before it died. */
  async kill(): Promise<string> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
    for (let next = await this.#lines.next(); next.done !== true; next = await this.#lines.next())
      this.#last = next.value
    return this.#last
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill()
  }
}
