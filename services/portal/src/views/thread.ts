/** Calls into the thread of the read models. A thread that dies takes its calls with it; the next call starts another. */
import { Worker } from 'node:worker_threads'
import { ApiError } from '../server/errors.ts'
import type { AnswerMessage, CallMessage, WorkerMethods, WorkerSettings } from './worker.ts'

/** Calls that may wait; what is beyond is refused. */
const callsMax = 100
const heapMegabytesMax = 160

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export class ViewsThread {
  readonly #settings: WorkerSettings
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #last = 0
  #isClosed = false

  constructor(settings: WorkerSettings) {
    this.#settings = settings
  }

  /**
   * @param transfer buffers that are handed over, not copied.
   * @throws {ApiError} `unavailable` while too much waits; what went wrong in the thread.
   */
  call<M extends keyof WorkerMethods>(
    method: M,
    args: Parameters<WorkerMethods[M]>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReturnType<WorkerMethods[M]>> {
    if (this.#isClosed)
      return Promise.reject(
        new ApiError('unavailable', 'the portal is closing', { nextMove: 'Try again when it runs.' }),
      )
    if (this.#waiting.size >= callsMax)
      return Promise.reject(
        new ApiError('unavailable', 'the views are busy', { nextMove: 'Try again in a moment.', retryAfterSeconds: 2 }),
      )
    return this.#send(method, args, transfer) as Promise<ReturnType<WorkerMethods[M]>>
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    if (worker === undefined) return
    await this.#send('close', []).catch(() => undefined)
    await worker.terminate()
  }

  #send(method: string, args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#running().postMessage({ id, method, args } satisfies CallMessage, [...transfer])
    })
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#settings,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
    })
    worker.unref()
    this.#worker = worker
    worker.on('message', (answer: AnswerMessage) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(new Error(answer.error.message))
      else waiting?.resolve(answer.value)
    })
    let failure = new Error('the thread of the views ended')
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : failure
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      const waiting = [...this.#waiting.values()]
      this.#waiting.clear()
      for (const { reject } of waiting) reject(failure)
    })
    return worker
  }
}
