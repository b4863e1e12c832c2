/** A service's part in replay jobs: work begins when a job appears as running, ends when the job has ended or the service stops,
 *  and is looked at every second in between. What the work is, is the service's. Trouble with one job is told and tried again;
 *  it neither ends the service nor keeps other jobs waiting. */
import type { Table } from '@siem-relay/bus'
import { decodeJob, describeError, dispositionOf, encodeJob, jobsTopic, type ReplayJob } from '@siem-relay/common'
import type { Running, World } from './world.ts'

const reviewMs = 1_000

/** What a service does for one job. */
export interface JobWork {
  /** Rejects when it cannot go on; never resolves. */
  readonly failed: Promise<never>
  /** Called every second while the job runs. */
  review?(): Promise<void>
  /** Whether the configuration has changed under it: it is stopped then, and begun anew. Asked every second. */
  isOutdated?(): boolean
  stop(drainMs: number): Promise<void>
}

export interface JobHandler {
  /** Begins the work of a running job; undefined when there is none for this service. */
  begin(job: ReplayJob): Promise<JobWork | undefined>
  /** The job has ended and its work here was stopped. Called again every second while it throws. */
  ended?(job: ReplayJob): Promise<void>
}

/** Time for what is on its way when a job was cancelled or begins anew. */
const drainMs = 2_000

export async function followJobs(world: Pick<World, 'bus' | 'clock' | 'log'>, handler: JobHandler): Promise<Running> {
  await world.bus.ensureTopics([jobsTopic])
  const follower = new JobFollower(world, handler, await world.bus.table(jobsTopic))
  return follower.start()
}

/** Writes what became of a job. One owner id for each process and purpose: a second writer with the same one fences the first. */
export async function writeJobs(
  { bus }: Pick<World, 'bus'>,
  ownerId: string,
  jobs: readonly (ReplayJob | { readonly id: string; readonly gone: true })[],
): Promise<void> {
  await bus.ensureTopics([jobsTopic])
  await using writer = await bus.writer(ownerId)
  await writer.commit({
    records: jobs.map((job) => ({
      topic: jobsTopic.name,
      key: job.id,
      value: 'gone' in job ? null : encodeJob(job),
      headers: {},
    })),
  })
}

/** The jobs of a table, oldest first. */
export function jobsOf(table: Pick<Table, 'entries'>): readonly ReplayJob[] {
  return [...table.entries()]
    .flatMap(([, value]) => decodeJob(value) ?? [])
    .sort((left, right) => left.createdMs - right.createdMs)
}

class JobFollower {
  readonly #world: Pick<World, 'clock' | 'log'>
  readonly #handler: JobHandler
  readonly #table: Table
  readonly #works = new Map<string, JobWork>()
  /** Jobs that have nothing to do here, as they were then. */
  readonly #settled = new Map<string, ReplayJob['state']>()
  readonly #closing = new AbortController()
  readonly #failure = Promise.withResolvers<never>()
  #wake: () => void = () => undefined
  #isRung = false

  constructor(world: Pick<World, 'clock' | 'log'>, handler: JobHandler, table: Table) {
    this.#world = world
    this.#handler = handler
    this.#table = table
  }

  start(): Running {
    // Whoever started us decides what a failure means; nobody listening must not end the process.
    this.#failure.promise.catch(() => undefined)
    this.#table.onChange(() => this.#ring())
    const running = this.#run()
    let stopping: Promise<void> | undefined
    const stop = async (drainMs: number): Promise<void> => {
      this.#closing.abort()
      this.#ring()
      await running
      await Promise.all([...this.#works.values()].map((work) => work.stop(drainMs)))
      await this.#table[Symbol.asyncDispose]()
    }
    return {
      failed: this.#failure.promise,
      stop(drainMs) {
        stopping ??= stop(drainMs)
        return stopping
      },
      async [Symbol.asyncDispose]() {
        await this.stop(0)
      },
    }
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#isRung = false
      let isUnsettled = this.#works.size > 0
      for (const job of jobsOf(this.#table)) {
        if (this.#closing.signal.aborted) return
        if (!(await this.#tend(job))) isUnsettled = true
      }
      await this.#wait(isUnsettled)
    }
  }

  /** @returns whether there is nothing to do for the job before it changes. */
  async #tend(job: ReplayJob): Promise<boolean> {
    if (this.#settled.get(job.id) === job.state) return true
    try {
      return await (job.state === 'running' ? this.#work(job) : this.#end(job))
    } catch (error) {
      // Others may still be at it: that is usual at the end of a job, and over a second later.
      const level = dispositionOf(error) === 'stop' && job.state !== 'running' ? 'debug' : 'warn'
      this.#world.log[level]({ job: job.id, error: describeError(error) }, 'replay job is tried again')
      return false
    }
  }

  async #work(job: ReplayJob): Promise<boolean> {
    const work = this.#works.get(job.id)
    if (work?.isOutdated?.()) {
      this.#works.delete(job.id)
      await work.stop(drainMs)
    } else if (work !== undefined) {
      await work.review?.()
      return false
    }
    const begun = await this.#handler.begin(job)
    if (begun === undefined) {
      this.#settled.set(job.id, job.state)
      return true
    }
    this.#works.set(job.id, begun)
    begun.failed.catch((error: unknown) => this.#failure.reject(error))
    return false
  }

  async #end(job: ReplayJob): Promise<boolean> {
    const work = this.#works.get(job.id)
    this.#works.delete(job.id)
    await work?.stop(job.state === 'cancelled' ? drainMs : 0)
    if (!job.isCleared) await this.#handler.ended?.(job)
    this.#settled.set(job.id, job.state)
    return true
  }

  #ring(): void {
    this.#isRung = true
    this.#wake()
  }

  /** Until a job changes, or for a second while there is something to look at. */
  async #wait(isUnsettled: boolean): Promise<void> {
    if (this.#isRung || this.#closing.signal.aborted) return
    const changed = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    if (!isUnsettled) return changed
    const over = new AbortController()
    await Promise.race([changed, this.#world.clock.sleep(reviewMs, over.signal).catch(() => undefined)])
    over.abort()
  }
}
