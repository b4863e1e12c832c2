import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deadLettersTopic } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { until } from '../conformance/harness.ts'
import { input, memory, numbers, output, range, readAll, readNumbers } from '../testing/records.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'
import type { SqliteBusEvent } from './options.ts'

const columns = ['count', 'appended_ms', 'codec', 'raw_bytes', 'body_crc', 'head_crc'] as const

/** Ten batches of ten records each, plain and compressed in turn. */
async function fill(log: TemporaryLog): Promise<void> {
  await using bus = await log.open()
  await bus.ensureTopics([input, output])
  const writer = await bus.writer('test')
  for (const batch of range(10)) {
    await writer.commit({ records: numbers(batch * 10, 10, batch % 2 === 0 ? '' : 'padding '.repeat(20)) })
  }
}

/** The batches of `input` in their order, changed by SQL as a failing disk would. */
class Rows implements Disposable {
  readonly db: DatabaseSync
  readonly ids: bigint[]

  constructor(log: TemporaryLog) {
    this.db = new DatabaseSync(join(log.path, 'log.db'), { timeout: 5000, readBigInts: true })
    this.ids = this.db
      .prepare(
        'SELECT batches.id FROM batches JOIN logs ON logs.id = batches.id >> 44 ' +
          "JOIN topics ON topics.id = topic_id WHERE name = 'input' ORDER BY batches.id",
      )
      .all()
      .map((row) => BigInt(String(row.id)))
  }

  id(batch: number): bigint {
    return this.ids[batch] ?? 0n
  }

  body(batch: number): Uint8Array {
    const body = this.db.prepare('SELECT body FROM batches WHERE id = ?').get(this.id(batch))?.body
    if (!(body instanceof Uint8Array)) throw new Error(`no batch ${batch}`)
    return body
  }

  setBody(batch: number, body: Uint8Array): void {
    this.db.prepare('UPDATE batches SET body = ? WHERE id = ?').run(body, this.id(batch))
  }

  /** Flips one byte of a body. */
  damage(batch: number): void {
    const body = Buffer.from(this.body(batch))
    body[3] = (body[3] ?? 0) ^ 0x10
    this.setBody(batch, body)
  }

  [Symbol.dispose](): void {
    this.db.close()
  }
}

const without = (...batches: number[]): number[] => range(100).filter((n) => !batches.includes(Math.floor(n / 10)))

describe('a flipped bit', () => {
  test('is found in every byte of a stored body, and costs that batch alone', async () => {
    using log = new TemporaryLog()
    await fill(log)
    using rows = new Rows(log)
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ onEvent: (event) => events.push(event) })
    for (const batch of [4, 5]) {
      const body = rows.body(batch)
      for (let at = 0; at < body.length; at++) {
        const flipped = Buffer.from(body)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
        rows.setBody(batch, flipped)
        expect(await readNumbers(bus, input)).toEqual(without(batch))
        expect(events.splice(0)).toMatchObject([{ kind: 'corruption-found', first: batch * 10, next: batch * 10 + 10 }])
      }
      rows.setBody(batch, body)
    }
    expect(await readNumbers(bus, input)).toEqual(range(100))
  })

  test.each(columns)('is found in %s', async (column) => {
    using log = new TemporaryLog()
    await fill(log)
    using rows = new Rows(log)
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ onEvent: (event) => events.push(event) })
    // Negative numbers and other storage classes come from the sign bit and the header byte of the cell.
    for (const change of [`${column} | 64`, `${column} & ~1`, `${column} + 1`, `-${column} - 1`]) {
      const before = rows.db.prepare(`SELECT ${column} AS value FROM batches WHERE id = ?`).get(rows.id(4))?.value ?? 0
      rows.db.prepare(`UPDATE batches SET ${column} = ${change} WHERE id = ?`).run(rows.id(4))
      const after = rows.db.prepare(`SELECT ${column} AS value FROM batches WHERE id = ?`).get(rows.id(4))?.value ?? 0
      expect(await readNumbers(bus, input)).toEqual(before === after ? range(100) : without(4))
      expect(events.splice(0)).toHaveLength(before === after ? 0 : 1)
      rows.db.prepare(`UPDATE batches SET ${column} = ? WHERE id = ?`).run(before, rows.id(4))
    }
  })

  test('in the id of a row, or a row that is gone, is found as missing records', async () => {
    using log = new TemporaryLog()
    await fill(log)
    using rows = new Rows(log)
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ onEvent: (event) => events.push(event) })
    rows.db.prepare('UPDATE batches SET id = id + 1 WHERE id = ?').run(rows.id(4))
    expect(await readNumbers(bus, input)).toEqual(without(4))
    rows.db.prepare('DELETE FROM batches WHERE id = ?').run(rows.id(7))
    events.length = 0
    expect(await readNumbers(bus, input)).toEqual(without(4, 7))
    expect(events.at(-1)).toMatchObject({ kind: 'corruption-found', first: 70, next: 80, reason: 'rows are missing' })
  })

  test('in the last head of a partition never lets an offset be given twice', async () => {
    using log = new TemporaryLog()
    await fill(log)
    {
      using rows = new Rows(log)
      rows.db.prepare('UPDATE batches SET count = 3 WHERE id = ?').run(rows.id(9))
    }
    await using bus = await log.open()
    const writer = await bus.writer('test')
    await writer.commit({ records: numbers(100, 1) })
    const found = await readAll(bus, input)
    expect(found.at(-1)?.offset).toBeGreaterThanOrEqual(100)
    expect(await readNumbers(bus, input)).toEqual([...range(90), 100])
  })

  test('in a state or a table value is told, and the value taken for absent', async () => {
    using log = new TemporaryLog()
    const tableTopic = { ...memory, name: 'table' }
    {
      await using bus = await log.open()
      await bus.ensureTopics([memory, tableTopic])
      const writer = await bus.writer('owner', memory)
      const state = ['a', 'b'].map((key) => ({ key, value: Buffer.from(key) }))
      await writer.commit({ state, records: state.map((one) => ({ ...one, topic: tableTopic.name, headers: {} })) })
    }
    {
      using rows = new Rows(log)
      rows.db.exec(
        "UPDATE state SET value = x'62' WHERE key = x'61'; UPDATE entries SET value = x'62' WHERE key = x'61'",
      )
    }
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ onEvent: (event) => events.push(event) })
    expect([...(await bus.writer('owner', memory)).state.keys()]).toEqual(['b'])
    expect([...(await bus.table(tableTopic)).entries()].map(([key]) => key)).toEqual(['b'])
    expect(events.map((event) => [event.kind, 'key' in event && event.key])).toEqual([
      ['value-corrupt', 'a'],
      ['value-corrupt', 'a'],
    ])
  })
})

describe('workers pass damaged batches', () => {
  const limits = { batchRecordsMax: 25, batchBytesMax: 100_000 }

  test('a stage writes one dead letter with the bytes and the range, and goes on', async () => {
    using log = new TemporaryLog()
    await fill(log)
    using rows = new Rows(log)
    rows.damage(3)
    rows.damage(9)
    const events: SqliteBusEvent[] = []
    await using bus = await log.open({ onEvent: (event) => events.push(event) })
    const open = () => ({
      process: (batch: readonly { key: string; value: Buffer }[]) => ({
        records: batch.map(({ key, value }) => ({ topic: output.name, key, value, headers: {} })),
      }),
    })
    const worker = bus.stage({ group: 'copier', inputs: [input], ...limits, open })
    await until('everything is passed', async () => (await bus.positions.of('copier', [input]))[0]?.lag === 0)
    await worker.stop()
    expect(await readNumbers(bus, output)).toEqual(without(3, 9))
    const letters = await readAll(bus, deadLettersTopic)
    expect(
      letters
        .map((one) => one.headers)
        .sort((a, b) => (String(a['origin-offset']) < String(b['origin-offset']) ? -1 : 1)),
    ).toEqual(
      ['30-39', '90-99'].map((range) => ({
        stage: 'copier',
        code: 'RELAY_LOG_CORRUPT',
        reason: 'the checksum of the batch body does not match',
        'origin-topic': 'input',
        'origin-partition': '0',
        'origin-offset': range,
      })),
    )
    const letter = letters.find((one) => one.key === 'input/0/30')
    expect(letter?.value.equals(rows.body(3))).toBe(true)
    expect(events.map((event) => event.kind)).toEqual(['corruption-found', 'corruption-found'])
    expect(bus.stats.corruptBatches).toBe(2)
  })

  test('a delivery commits the dead letter once everything before it is acknowledged', async () => {
    using log = new TemporaryLog()
    await fill(log)
    using rows = new Rows(log)
    rows.damage(2)
    await using bus = await log.open()
    const offsets: number[] = []
    let acknowledge = (_last: number): void => undefined
    await using _worker = bus.deliver({
      group: 'sender',
      topics: [input],
      ...limits,
      open: (_assignment, acknowledger) => {
        acknowledge = (last) => acknowledger.acknowledge(0, last)
        return {
          deliver: async (batch) => void offsets.push(...batch.map((one) => one.offset)),
          revoked: () => undefined,
        }
      },
    })
    await until('the rest is delivered', () => offsets.length === 90)
    expect(offsets).toEqual(without(2))
    expect(await readAll(bus, deadLettersTopic)).toEqual([])
    acknowledge(19)
    await until('the letter is there', async () => (await readAll(bus, deadLettersTopic)).length === 1)
    expect((await bus.positions.of('sender', [input]))[0]?.committed).toBe(30)
  })
})
