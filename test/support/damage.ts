/** The embedded log's file, damaged as a failing disk would, while a relay has it open. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Flips a byte in each of the latest batches of a topic; what was before them stays whole. @returns how many were damaged. */
export function damageLatest(logDirectory: string, topic: string, batches: number): number {
  const db = new DatabaseSync(join(logDirectory, 'log.db'), { timeout: 5_000, readBigInts: true })
  try {
    const rows = db
      .prepare(
        'SELECT batches.id, body FROM batches JOIN logs ON logs.id = batches.id >> 44 ' +
          'JOIN topics ON topics.id = topic_id WHERE name = ? ORDER BY appended_ms DESC, batches.id DESC LIMIT ?',
      )
      .all(topic, batches)
    const update = db.prepare('UPDATE batches SET body = ? WHERE id = ?')
    for (const { id, body } of rows) {
      const bytes = Buffer.from(body as Uint8Array)
      bytes[3] = (bytes[3] ?? 0) ^ 0x10
      update.run(bytes, id as bigint)
    }
    return rows.length
  } finally {
    db.close()
  }
}
