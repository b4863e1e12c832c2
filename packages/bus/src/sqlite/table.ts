/** The latest value per key of a compacted topic, in memory, following every commit. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { ChangeListeners } from '../change-listeners.ts'
import type { NewRecord, Table } from '../port.ts'
import type { Core } from './core.ts'

const rowsPerRead = 1000

export function openTable(core: Core, spec: TopicSpec): Table {
  if (spec.cleanup !== 'compact') {
    throw new RelayError('RELAY_BUS_TOPIC', `topic ${spec.name} is not compacted: a table of it would only grow`)
  }
  core.catalog.ensure([spec])
  const values = loadValues(core, spec)
  const listeners = new ChangeListeners()
  const unsubscribe = core.subscriptions.add(spec.name, (records: readonly NewRecord[]) => {
    for (const { key, value } of records) {
      // A copy: the bytes belong to whoever appended them.
      const kept = value === null ? undefined : Buffer.from(value)
      if (kept === undefined) values.delete(key)
      else values.set(key, kept)
      listeners.tell(key, kept)
    }
  })
  return {
    get: (key) => values.get(key),
    entries: () => values.entries(),
    onChange: (listener) => listeners.add(listener),
    async [Symbol.asyncDispose]() {
      unsubscribe()
      listeners.clear()
    },
  }
}

function loadValues(core: Core, spec: TopicSpec): Map<string, Buffer> {
  const values = new Map<string, Buffer>()
  for (const log of core.catalog.topic(spec.name).logs) {
    for (let from = log.start; ; ) {
      const { rows, damaged, next } = core.compacted.entries(log, from, rowsPerRead)
      for (const { key } of damaged) core.emit({ kind: 'value-corrupt', where: spec.name, key })
      for (const { key, value } of rows) values.set(key, value)
      if (next === undefined) break
      from = next
    }
  }
  return values
}
