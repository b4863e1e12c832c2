import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { Child } from '../testing/child-process.ts'
import { input, memory, output, range, readNumbers } from '../testing/records.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'

function changeMeta(log: TemporaryLog, name: string, value: number): void {
  const db = new DatabaseSync(join(log.path, 'log.db'))
  db.prepare('UPDATE meta SET value = ? WHERE name = ?').run(value, name)
  db.close()
}

describe('the lock', () => {
  test('keeps a second process out and names the first; it dies with its process', async () => {
    using log = new TemporaryLog()
    await using child = new Child(log.path, 'hold')
    expect(await child.line()).toBe('open')
    await expect(log.open()).rejects.toMatchObject({
      code: 'RELAY_LOG_LOCKED',
      message: expect.stringContaining(`process ${child.pid}`),
    })
    await child.kill()
    expect(existsSync(join(log.path, 'lock.pid'))).toBe(true)
    await using bus = await log.open()
    expect(bus.intake().open).toBe(true)
  })

  test('keeps a second bus of the same process out until the first is closed', async () => {
    using log = new TemporaryLog()
    const first = await log.open()
    await expect(log.open()).rejects.toMatchObject({ code: 'RELAY_LOG_LOCKED' })
    await first[Symbol.asyncDispose]()
    await using second = await log.open()
    await second.ensureTopics([input])
  })
})

describe('opening', () => {
  test('makes a directory that only its user can enter', async () => {
    using log = new TemporaryLog()
    const path = join(log.path, 'new', 'log')
    await using _bus = await log.open({ path })
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  test('refuses a file of a newer version and leaves it as it is', async () => {
    using log = new TemporaryLog()
    await (await log.open())[Symbol.asyncDispose]()
    changeMeta(log, 'schema', 2)
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(log.open()).rejects.toMatchObject({ code: 'RELAY_LOG_SCHEMA' })
    }
    changeMeta(log, 'schema', 1)
    await using _bus = await log.open()
  })

  test('refuses what is no log, and a path that is no directory', async () => {
    using log = new TemporaryLog()
    writeFileSync(join(log.path, 'log.db'), 'not a database '.repeat(10_000))
    await expect(log.open()).rejects.toMatchObject({ code: 'RELAY_LOG_UNUSABLE' })
    await expect(log.open({ path: join(log.path, 'log.db') })).rejects.toMatchObject({ code: 'RELAY_LOG_UNUSABLE' })
  })

  test('checks the structure of the file after an unclean end, not after a clean one', async () => {
    using log = new TemporaryLog()
    {
      await using bus = await log.open()
      await bus.ensureTopics([input])
    }
    const db = new DatabaseSync(join(log.path, 'log.db'), { defensive: false })
    // An index that no longer matches its table: what quick_check is for.
    db.exec("INSERT INTO topics (name, partitions, cleanup, retention_ms) VALUES ('x', 1, 'delete', 1)")
    db.exec(
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'retention_ms INTEGER NOT NULL', 'retention_ms TEXT NOT NULL CHECK (retention_ms > 9e99)') WHERE name = 'topics'",
    )
    db.close()
    await (await log.open())[Symbol.asyncDispose]()
    changeMeta(log, 'clean', 0)
    await expect(log.open()).rejects.toMatchObject({ code: 'RELAY_LOG_UNUSABLE' })
  })
})

describe('kill -9', () => {
  test('of a working process loses no acknowledged record, tears no transaction and doubles nothing, 20 times', async () => {
    // Two logs at a time: most of a round is the start of a process.
    await Promise.all([killAndCheck(0), killAndCheck(1)])
  })
})

async function killAndCheck(lane: number): Promise<void> {
  using log = new TemporaryLog()
  for (let round = lane; round < 20; round += 2) {
    await using child = new Child(log.path, 'work')
    expect(await child.line()).toBe('open')
    for (let line = 0; line <= (round * 7) % 23; line++) await child.line()
    const acknowledged = Number(await child.kill())
    await using bus = await log.open()
    const records = await readNumbers(bus, input)
    const { state } = await bus.writer('numbers', memory)
    expect(records.length).toBeGreaterThanOrEqual(acknowledged)
    expect(records).toEqual(range(records.length))
    expect(Number(state.get('next')?.toString())).toBe(records.length)
    const copies = await readNumbers(bus, output)
    expect(copies).toEqual(range(copies.length))
    const [position] = await bus.positions.of('copier', [input])
    expect(position?.committed ?? 0).toBe(copies.length)
  }
}
