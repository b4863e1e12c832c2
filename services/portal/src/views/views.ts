/** The read models of the portal as its routes ask them: what was seen of discovery, and twins left out. Made of topics, rebuilt from
 *  nothing, never a second truth. */
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import type { World } from '@siem-relay/service-kit'
import { ApiError } from '../server/errors.ts'
import type { EntityKind, ListQuery, Selection } from './discovery-queries.ts'
import type { DuplicatesQuery } from './duplicates-model.ts'
import { Follower } from './follower.ts'
import { type Question, viewsMetrics } from './metrics.ts'
import type { ModelLimits } from './model.ts'
import type { ExportKind } from './store.ts'
import { ViewsThread } from './thread.ts'
import type { WorkerMethods } from './worker.ts'

const fileName = 'portal-views.db'
const exportRowsMax = 1_000_000
const exportStep = 1_000

export interface ViewsOptions {
  /** Where the file is. */
  readonly directory: string
  readonly limits: ModelLimits
  readonly world: World
  /** Tenants whose discovery is followed. */
  readonly tenants: () => readonly string[]
}

type Answer<M extends keyof WorkerMethods> = Promise<ReturnType<WorkerMethods[M]>>

export interface Views extends AsyncDisposable {
  summary(selection: Selection): Answer<'summary'>
  apps(query: ListQuery): Answer<'apps'>
  entities(kind: EntityKind, query: ListQuery): Answer<'entities'>
  usage(selection: Selection): Answer<'usage'>
  duplicates(query: DuplicatesQuery): Answer<'duplicates'>
  /** A whole list as it is at this moment, in steps. @throws {ApiError} `too_many` while as many as may be are under way. */
  export(kind: ExportKind, query: Omit<ListQuery, 'offset' | 'limit'>): AsyncGenerator<readonly unknown[]>
}

export function startViews({ directory, limits, world, tenants }: ViewsOptions): Views {
  makeDirectory(directory, 0o700)
  const thread = new ViewsThread({ path: join(directory, fileName), limits })
  const metrics = viewsMetrics(world.metrics)
  const follower = new Follower({ world, thread, tenants, metrics })
  follower.start()

  async function timed<T>(question: Question, work: () => Promise<T>): Promise<T> {
    const fromMs = world.clock.monotonicMs()
    try {
      return await work()
    } finally {
      metrics.answered(question, (world.clock.monotonicMs() - fromMs) / 1_000)
    }
  }

  return {
    summary: (selection) => timed('summary', () => thread.call('summary', [selection])),
    apps: (query) => timed('apps', () => thread.call('apps', [query])),
    entities: (kind, query) => timed(kind, () => thread.call('entities', [kind, query])),
    usage: (selection) => timed('usage', () => thread.call('usage', [selection])),
    duplicates: (query) => timed('duplicates', () => thread.call('duplicates', [query])),
    async *export(kind, query) {
      const whole = { ...query, offset: 0, limit: exportRowsMax }
      const id = await thread.call('openExport', [kind, whole])
      if (id === undefined)
        throw new ApiError('too_many', 'as many downloads as may be are under way', {
          nextMove: 'Wait until one is done.',
          retryAfterSeconds: 10,
        })
      try {
        for (;;) {
          const rows = await timed('export', () => thread.call('readExport', [id, exportStep]))
          if (rows.length > 0) yield rows
          if (rows.length < exportStep) return
        }
      } finally {
        await thread.call('closeExport', [id]).catch(() => undefined)
      }
    },
    async [Symbol.asyncDispose]() {
      await follower.stop()
      await thread.close()
    },
  }
}
