/** What is kept for a deleted agent goes too, once nothing works for it any more. Written down, so that a restart does not forget to. */
import type { DatabaseSync } from 'node:sqlite'
import { describeError } from '@siem-relay/common'
import type { Control } from '@siem-relay/control'
import type { World } from '@siem-relay/service-kit'

const retryMs = 1_000
/** Services of another process that do not stop within this time never will by themselves. */
const giveUpMs = 3_600_000

export class Forgetting implements AsyncDisposable {
  readonly #database: DatabaseSync
  readonly #control: Pick<Control, 'forget' | 'replays' | 'cancelReplay'>
  readonly #world: Pick<World, 'clock' | 'log'>
  /** Whether the agent was made anew in between. */
  readonly #isBack: (agent: string) => boolean
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(
    database: DatabaseSync,
    control: Pick<Control, 'forget' | 'replays' | 'cancelReplay'>,
    world: Pick<World, 'clock' | 'log'>,
    isBack: (agent: string) => boolean,
  ) {
    this.#database = database
    this.#control = control
    this.#world = world
    this.#isBack = isBack
    this.#work()
  }

  add(agent: string): void {
    this.#database
      .prepare('insert or replace into forgetting (agent, since_ms) values (?, ?)')
      .run(agent, this.#world.clock.nowMs())
    this.#work()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  #work(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  async #run(): Promise<void> {
    const { clock } = this.#world
    const { signal } = this.#closing
    while (!signal.aborted) {
      const waiting = this.#database.prepare('select agent, since_ms from forgetting').all()
      if (waiting.length === 0) return
      for (const { agent, since_ms } of waiting) await this.#tryOne(String(agent), Number(since_ms))
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }

  async #tryOne(agent: string, sinceMs: number): Promise<void> {
    const { clock, log } = this.#world
    if (this.#isBack(agent)) return this.#done(agent)
    try {
      for (const { job } of await this.#control.replays())
        if (job.agent === agent && job.state === 'running') await this.#control.cancelReplay(job.id)
      const { undelivered } = await this.#control.forget({ agent })
      log.info({ agent, undelivered }, 'portal: what was kept for a deleted agent is gone')
      this.#done(agent)
    } catch (error) {
      if (clock.nowMs() - sinceMs < giveUpMs) return
      log.warn(
        { agent, error: describeError(error) },
        'portal: what is kept for a deleted agent stays; discard it with siem-relay forget',
      )
      this.#done(agent)
    }
  }

  #done(agent: string): void {
    this.#database.prepare('delete from forgetting where agent = ?').run(agent)
  }
}
