/** Deletes topics with their records, values, states and offsets. Records go a few rows at a time, so that nobody waits; a
 *  process that dies in between leaves a shorter topic, and the next call goes on. */
import { RelayError } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import { batchId, offsetMask } from './batch-row.ts'
import type { Topic } from './catalog.ts'
import type { Core } from './core.ts'
import { toRelayError } from './errors.ts'
import { removedRowsMax } from './limits.ts'

/** @throws {RelayError} `RELAY_USAGE` while a group of this process works on one of them; then none is touched. */
export async function deleteTopics(core: Core, names: readonly string[]): Promise<void> {
  const topics = [...new Set(names)].flatMap((name) => core.catalog.find(name) ?? [])
  for (const topic of topics) refuseWhileRead(core, topic)
  try {
    for (const topic of topics) {
      await removeBatches(core, topic)
      removeTopic(core, topic)
    }
  } catch (error) {
    throw toRelayError(error, 'deleting topics')
  }
}

function refuseWhileRead(core: Core, topic: Topic): void {
  for (const { id } of topic.logs) {
    const group = core.leases.readerOf(id)
    if (group === undefined) continue
    throw new RelayError('RELAY_USAGE', `${topic.name} is read by ${group}: stop its workers before deleting the topic`)
  }
}

async function removeBatches(core: Core, topic: Topic): Promise<void> {
  const remove = core.db.prepare(
    `DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ${removedRowsMax})`,
  )
  for (const { id } of topic.logs) {
    while (Number(remove.run(batchId(id, 0), batchId(id, 0) | offsetMask).changes) > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      if (core.closing.aborted) throw closedError()
    }
  }
}

/** What is left besides the batches, in one transaction. */
function removeTopic(core: Core, topic: Topic): void {
  const { db, catalog, offsets } = core
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const { id } of topic.logs)
      for (const table of ['marks', 'entries', 'group_offsets'])
        db.prepare(`DELETE FROM ${table} WHERE log_id = ?`).run(id)
    db.prepare('DELETE FROM logs WHERE topic_id = ?').run(topic.id)
    db.prepare('DELETE FROM topics WHERE id = ?').run(topic.id)
    // The states of stages and owners are named after the topic they live in.
    for (const owner of ['group', 'owner']) {
      const prefix = `${topic.name} ${owner} `
      const scopes = 'SELECT id FROM scopes WHERE substr(name, 1, length(?1)) = ?1'
      db.prepare(`DELETE FROM state WHERE scope IN (${scopes})`).run(prefix)
      db.prepare(`DELETE FROM scopes WHERE id IN (${scopes})`).run(prefix)
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  catalog.drop(topic.name)
  for (const { id } of topic.logs) offsets.dropLog(id)
}
