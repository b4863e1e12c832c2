/** The thread of the read models: answers calls one after another, so that neither a long list nor a large batch holds up the process. */
import { parentPort, workerData } from 'node:worker_threads'
import type { ListQuery } from './discovery-queries.ts'
import type { ModelLimits } from './model.ts'
import { type PackedBatch, unpack } from './packed.ts'
import { type ExportKind, ViewsStore } from './store.ts'

export interface WorkerSettings {
  readonly path: string
  readonly limits: ModelLimits
}

export interface CallMessage {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

export type AnswerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly message: string } }

/** Downloads under way at a time. */
const exportsMax = 4

type Rows = ReturnType<ViewsStore['export']>

function serve(port: NonNullable<typeof parentPort>, { path, limits }: WorkerSettings): void {
  const store = new ViewsStore(path, limits)
  const exports = new Map<number, Rows>()
  let lastExport = 0

  const methods = {
    position: (topic: string, partition: number) => store.position(topic, partition),
    apply: (batch: PackedBatch) => store.apply(unpack(batch)),
    reset: () => store.reset(),
    prune: (nowMs: number) => store.prune(nowMs),
    summary: (selection: Parameters<ViewsStore['summary']>[0]) => store.summary(selection),
    apps: (query: ListQuery) => store.apps(query),
    entities: (kind: Parameters<ViewsStore['entities']>[0], query: ListQuery) => store.entities(kind, query),
    usage: (selection: Parameters<ViewsStore['usage']>[0]) => store.usage(selection),
    duplicates: (query: Parameters<ViewsStore['duplicates']>[0]) => store.duplicates(query),
    /** @returns undefined when too many are under way. */
    openExport(kind: ExportKind, query: ListQuery): number | undefined {
      if (exports.size >= exportsMax) return undefined
      exports.set(++lastExport, store.export(kind, query))
      return lastExport
    },
    readExport(id: number, count: number): readonly unknown[] {
      const rows = exports.get(id)
      const read: unknown[] = []
      for (let next = rows?.next(); next?.done === false; next = rows?.next()) if (read.push(next.value) >= count) break
      return read
    },
    closeExport(id: number): void {
      exports.get(id)?.return()
      exports.delete(id)
    },
    close(): void {
      for (const rows of exports.values()) rows.return()
      store.close()
      port.close()
    },
  }

  port.on('message', ({ id, method, args }: CallMessage) => {
    try {
      const call = methods[method as keyof typeof methods] as (...of: readonly unknown[]) => unknown
      port.postMessage({ id, value: call(...args) } satisfies AnswerMessage)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      port.postMessage({ id, error: { message } } satisfies AnswerMessage)
    }
  })
}

export type WorkerMethods = {
  position: ViewsStore['position']
  apply: (batch: PackedBatch) => ReturnType<ViewsStore['apply']>
  reset: ViewsStore['reset']
  prune: ViewsStore['prune']
  summary: ViewsStore['summary']
  apps: ViewsStore['apps']
  entities: ViewsStore['entities']
  usage: ViewsStore['usage']
  duplicates: ViewsStore['duplicates']
  openExport: (kind: ExportKind, query: ListQuery) => number | undefined
  readExport: (id: number, count: number) => readonly unknown[]
  closeExport: (id: number) => void
  close: () => void
}

if (parentPort !== null) serve(parentPort, workerData as WorkerSettings)
