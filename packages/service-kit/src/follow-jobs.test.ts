import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openSqliteBus } from '@siem-relay/bus'
import { jobsTopic, RelayError, type ReplayJob } from '@siem-relay/common'
import { describe, expect, test, vi } from 'vitest'
import { systemClock } from './clock.ts'
import { followJobs, type JobHandler, jobsOf, writeJobs } from './follow-jobs.ts'
import { testWorld } from './testing/test-world.ts'

const jobOf = (id: string, changes: Partial<ReplayJob> = {}): ReplayJob => ({
  kind: 'replay',
  id,
  agent: 'soc',
  createdMs: 1,
  fromMs: 0,
  toMs: 1,
  source: 'out',
  stretches: [],
  records: 0,
  messagesPerSecondMax: 1,
  mark: false,
  state: 'running',
  isCleared: false,
  ...changes,
})

/** Writes down what it is asked to do. */
class Recorder implements JobHandler {
  readonly calls: string[] = []
  readonly fail = Promise.withResolvers<never>()
  trouble: Error | undefined
  isOutdated = false

  async begin({ id }: ReplayJob): Promise<Awaited<ReturnType<JobHandler['begin']>>> {
    this.#say(`begin ${id}`)
    this.isOutdated = false
    if (id.startsWith('other')) return undefined
    return {
      failed: this.fail.promise,
      review: async () => this.#say(`review ${id}`),
      isOutdated: () => this.isOutdated,
      stop: async (drainMs) => void this.calls.push(`stop ${id} ${drainMs}`),
    }
  }

  async ended({ id, state }: ReplayJob): Promise<void> {
    this.#say(`ended ${id} ${state}`)
  }

  #say(what: string): void {
    this.calls.push(what)
    if (this.trouble !== undefined) throw this.trouble
  }
}

interface Parts {
  readonly bus: Bus
  readonly recorder: Recorder
  readonly running: Awaited<ReturnType<typeof followJobs>>
  readonly entries: ReturnType<typeof testWorld>['entries']
  write(...jobs: ReplayJob[]): Promise<void>
}

async function following(work: (parts: Parts) => Promise<void>, before: readonly ReplayJob[] = []): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-jobs-'))
  try {
    await using bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 1_000_000 })
    const write = (...jobs: ReplayJob[]): Promise<void> => writeJobs({ bus }, 'test', jobs)
    await write(...before)
    const recorder = new Recorder()
    recorder.fail.promise.catch(() => undefined)
    const world = testWorld({ bus })
    await using running = await followJobs({ bus, log: world.log, clock: systemClock }, recorder)
    await work({ bus, recorder, running, write, entries: world.entries })
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

const eventually = (fact: () => void): Promise<void> => vi.waitFor(fact, { timeout: 15_000, interval: 5 })

describe('following jobs', () => {
  test('begins those that run already and those that come, looks at them, and stops with the service', () =>
    following(
      async ({ recorder, running, write }) => {
        await eventually(() => expect(recorder.calls).toContain('begin first'))
        await write(jobOf('second'))
        await eventually(() => expect(recorder.calls).toContain('begin second'))
        await eventually(() => expect(recorder.calls).toContain('review second'))
        await running.stop(7)
        await running.stop(9)
        expect(recorder.calls.filter((call) => call.startsWith('stop'))).toEqual(['stop first 7', 'stop second 7'])
        expect(recorder.calls.filter((call) => call.startsWith('begin'))).toEqual(['begin first', 'begin second'])
      },
      [jobOf('first')],
    ))

  test('stops the work of a job that has ended, then lets it be cleared away once', () =>
    following(async ({ recorder, write }) => {
      await write(jobOf('a'), jobOf('b'))
      await eventually(() => expect(recorder.calls).toContain('begin b'))
      await write(jobOf('a', { state: 'done' }))
      await eventually(() => expect(recorder.calls).toContain('ended a done'))
      await write(jobOf('a', { state: 'done', isCleared: true }), jobOf('b', { state: 'cancelled' }))
      await eventually(() => expect(recorder.calls).toContain('ended b cancelled'))
      const calls = recorder.calls.filter((call) => !call.startsWith('review'))
      expect(calls).toEqual(['begin a', 'begin b', 'stop a 0', 'ended a done', 'stop b 2000', 'ended b cancelled'])
    }))

  test('leaves alone what is none of its business, and ended jobs that are cleared', () =>
    following(
      async ({ recorder, write }) => {
        await write(jobOf('other'))
        await write(jobOf('mine'))
        await eventually(() => expect(recorder.calls).toContain('review mine'))
        expect(recorder.calls.filter((call) => !call.endsWith('mine'))).toEqual(['begin other'])
      },
      [jobOf('old', { state: 'done', isCleared: true })],
    ))

  test('trouble with one job is logged and tried again', () =>
    following(async ({ recorder, write, entries }) => {
      recorder.trouble = new RelayError('RELAY_LOG_WRITE', 'the disk is away')
      await write(jobOf('a'))
      await eventually(() => expect(recorder.calls).toEqual(['begin a', 'begin a']))
      expect(entries.map(({ msg, error }) => [msg, error])).toContainEqual([
        'replay job is tried again',
        'the disk is away',
      ])
      recorder.trouble = undefined
      await eventually(() => expect(recorder.calls).toContain('review a'))
    }))

  test('a work that a new configuration overtook is stopped and begun anew', () =>
    following(async ({ recorder, write }) => {
      await write(jobOf('a'))
      await eventually(() => expect(recorder.calls).toContain('review a'))
      recorder.isOutdated = true
      await eventually(() => expect(recorder.calls.at(-1)).toBe('begin a'))
      const calls = recorder.calls.filter((call) => !call.startsWith('review'))
      expect(calls).toEqual(['begin a', 'stop a 2000', 'begin a'])
    }))

  test('a work that cannot go on fails the service', () =>
    following(async ({ recorder, running, write }) => {
      await write(jobOf('a'))
      await eventually(() => expect(recorder.calls).toContain('begin a'))
      recorder.fail.reject(new RelayError('RELAY_BUS_CLOSED', 'closed'))
      await expect(running.failed).rejects.toMatchObject({ code: 'RELAY_BUS_CLOSED' })
    }))
})

test('jobs are listed oldest first; what is none is left out; a job that is gone is gone', () =>
  following(async ({ bus, write }) => {
    await write(jobOf('b', { createdMs: 2 }), jobOf('a', { createdMs: 3 }), jobOf('c', { createdMs: 1 }))
    await writeJobs({ bus }, 'test', [{ id: 'a', gone: true }])
    await using writer = await bus.writer('other')
    await writer.commit({
      records: [{ topic: jobsTopic.name, key: 'x', value: Buffer.from('no job'), headers: {} }],
    })
    await using table = await bus.table(jobsTopic)
    expect(jobsOf(table).map(({ id }) => id)).toEqual(['c', 'b'])
  }))
