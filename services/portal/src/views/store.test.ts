import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { discardedTopic } from '@siem-relay/common'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ListQuery } from './discovery-queries.ts'
import { dayMs } from './discovery-row.ts'
import { type Applied, ViewsStore } from './store.ts'
import {
  batchOf,
  categoryOf,
  count,
  distinct,
  recordOf,
  sum,
  type TestRow,
  tagsOf,
  today,
  todayMs,
} from './testing/rows.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'siem-relay-views-'))
  path = join(folder, 'portal-views.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const limits = { retentionDays: 90, discoveryRowsMax: 1_000_000 }
const whole: ListQuery = { fromDay: today - 90, toDay: today, sort: 'traffic', offset: 0, limit: 500 }
const topic = 'raw.contoso.discovery'

function open(at = path): ViewsStore & Disposable {
  const store = new ViewsStore(at, limits)
  return Object.assign(store, { [Symbol.dispose]: () => store.close() })
}

function countsOf(applied: Applied): Partial<Record<string, number>> {
  if (applied.outcome !== 'applied') throw new Error(`not applied: ${JSON.stringify(applied)}`)
  return Object.fromEntries(Object.entries(applied.counts).filter(([, value]) => value > 0))
}

const row = (more: Partial<TestRow> = {}): TestRow => ({
  id: 'one',
  tenant: 'contoso',
  day: today,
  stream: 'all',
  app: 1,
  user: 'ada',
  ip: '10.0.0.1',
  uploaded: 5,
  downloaded: 7,
  events: 2,
  ...more,
})

const rowArbitrary: fc.Arbitrary<TestRow> = fc.record({
  id: fc.integer({ min: 0, max: 60 }).map((id) => `id-${id}`),
  tenant: fc.constantFrom('contoso', 'fabrikam'),
  day: fc.integer({ min: today - 5, max: today }),
  stream: fc.constantFrom('office', "b'; DROP TABLE usage; --"),
  app: fc.integer({ min: 0, max: 6 }),
  user: fc.constantFrom(undefined, 'ada', 'Ada', 'bob'),
  ip: fc.constantFrom(undefined, '10.0.0.1', '::1'),
  uploaded: fc.integer({ min: 0, max: 2 ** 40 }),
  downloaded: fc.integer({ min: 0, max: 2 ** 40 }),
  events: fc.integer({ min: 0, max: 1000 }),
})

/** In batches of each tenant's own partition. */
function applyAll(store: ViewsStore, rows: readonly TestRow[], batchRows: number): void {
  for (const tenant of ['contoso', 'fabrikam']) {
    const own = rows.filter((one) => one.tenant === tenant)
    for (let at = 0; at < own.length; at += batchRows) store.apply(batchOf(own.slice(at, at + batchRows), at))
  }
}

describe('sums', () => {
  test('are those of counting every row by hand, for any selection', () => {
    const selections = fc.record({
      fromDay: fc.integer({ min: today - 6, max: today }),
      days: fc.integer({ min: 0, max: 6 }),
      tenant: fc.option(fc.constantFrom('contoso', 'nobody'), { nil: undefined }),
      user: fc.option(fc.constantFrom('ada', 'eve'), { nil: undefined }),
      tag: fc.option(fc.constantFrom('sanctioned' as const, 'unsanctioned' as const, 'other' as const), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(
        fc.array(rowArbitrary, { maxLength: 120 }),
        selections,
        fc.integer({ min: 1, max: 40 }),
        (rows, of, size) => {
          using store = open(':memory:')
          applyAll(store, rows, size)
          const { fromDay, tenant, user, tag } = of
          const toDay = fromDay + of.days
          const tagWord = (app: number) => tagsOf(app)[0]?.toLowerCase() ?? 'other'
          const expected = distinct(rows).filter(
            (one) =>
              one.day >= fromDay &&
              one.day <= toDay &&
              (tenant === undefined || one.tenant === tenant) &&
              (user === undefined || one.user === user) &&
              (tag === undefined || tagWord(one.app) === tag),
          )
          const traffic = (some: readonly TestRow[]) => ({
            uploadedBytes: sum(some, ({ uploaded }) => uploaded),
            downloadedBytes: sum(some, ({ downloaded }) => downloaded),
            totalBytes: sum(some, ({ uploaded, downloaded }) => uploaded + downloaded),
            events: sum(some, ({ events }) => events),
            blockedEvents: 0,
          })
          const query = { ...whole, fromDay, toDay, tenant, user, tag }
          const summary = store.summary(query)
          expect(summary).toMatchObject({
            ...traffic(expected),
            apps: count(expected, (one) => `${one.tenant}/${one.app}`),
            users: count(expected, (one) => one.user),
            ipAddresses: count(expected, (one) => one.ip),
          })
          for (const category of summary.categories) {
            const own = expected.filter(({ app }) => categoryOf(app) === category.name)
            expect(category).toMatchObject({
              ...traffic(own),
              apps: count(own, (one) => `${one.tenant}/${one.app}`),
              users: count(own, (one) => one.user),
              sanctionedBytes: traffic(own.filter(({ app }) => tagWord(app) === 'sanctioned')).totalBytes,
              unsanctionedBytes: traffic(own.filter(({ app }) => tagWord(app) === 'unsanctioned')).totalBytes,
            })
          }
          expect(sum2(summary.categories.map(({ apps }) => apps))).toBe(summary.apps)
          expect(sum2(summary.risk.map(({ apps }) => apps))).toBe(summary.apps)
          const { apps, total } = store.apps(query)
          expect(total).toBe(summary.apps)
          expect(apps.map(({ totalBytes }) => totalBytes)).toEqual(
            apps.map(({ totalBytes }) => totalBytes).sort((a, b) => b - a),
          )
          for (const app of apps) {
            const own = expected.filter((one) => String(one.app) === app.appId && one.tenant === app.tenant)
            expect(app).toMatchObject({
              ...traffic(own),
              users: count(own, (one) => one.user),
              ipAddresses: count(own, (one) => one.ip),
            })
          }
          const people = store.entities('users', query)
          expect(people.total).toBe(summary.users)
          for (const person of people.entities)
            expect(person).toMatchObject({
              ...traffic(expected.filter((one) => one.user === person.name)),
              apps: count(
                expected.filter((one) => one.user === person.name),
                (one) => `${one.tenant}/${one.app}`,
              ),
            })
          const usage = store.usage(query)
          expect(usage.totalBytes).toEqual(
            usage.days.map((ms) => traffic(expected.filter(({ day }) => day * dayMs === ms)).totalBytes),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  test('are the same when the file is made anew from the topics, in batches of another size', () => {
    fc.assert(
      fc.property(fc.array(rowArbitrary, { maxLength: 100 }), (rows) => {
        using incremental = open(':memory:')
        using anew = open(':memory:')
        applyAll(incremental, rows, 3)
        applyAll(anew, rows, 1_000)
        const all = (store: ViewsStore) => [
          store.summary(whole),
          store.apps(whole),
          store.entities('users', whole),
          store.entities('ipAddresses', whole),
          store.usage(whole),
        ]
        expect(all(anew)).toEqual(all(incremental))
      }),
      { numRuns: 50 },
    )
  })

  test('do not overflow, however large the counts of rows are', () => {
    using store = open(':memory:')
    const rows = Array.from({ length: 2_000 }, (_, n) =>
      row({ id: `${n}`, uploaded: Number.MAX_SAFE_INTEGER, downloaded: 0 }),
    )
    store.apply(batchOf(rows, 0))
    expect(store.summary(whole).totalBytes / (2_000 * Number.MAX_SAFE_INTEGER)).toBeCloseTo(1, 12)
  })

  test('scores: 10 is the safest', () => {
    using store = open(':memory:')
    store.apply(
      batchOf(
        [0, 3, 4, 7, 8, 10].map((app) => row({ id: `${app}`, app })),
        0,
      ),
    )
    expect(store.summary(whole).risk.map(({ level, apps }) => [level, apps])).toEqual([
      ['high', 2],
      ['medium', 2],
      ['low', 2],
      ['unknown', 0],
    ])
  })
})

describe('apply', () => {
  test('counts an id once in a tenant, wherever it comes again', () => {
    using store = open(':memory:')
    expect(countsOf(store.apply(batchOf([row(), row()], 0)))).toEqual({ counted: 1, repeated: 1 })
    expect(countsOf(store.apply(batchOf([row()], 0, 2)))).toEqual({ repeated: 1 })
    expect(countsOf(store.apply(batchOf([row({ tenant: 'fabrikam' })], 0)))).toEqual({ counted: 1 })
    expect(store.summary(whole).events).toBe(4)
  })

  test('takes nothing that does not begin where reading stands', () => {
    using store = open(':memory:')
    store.apply(batchOf([row()], 0))
    expect(store.apply(batchOf([row({ id: 'two' })], 0))).toEqual({ outcome: 'moved', next: 1 })
    expect(store.apply(batchOf([row({ id: 'two' })], 5))).toEqual({ outcome: 'moved', next: 1 })
    expect(store.summary(whole).events).toBe(2)
  })

  test('what is no row is counted as unreadable and passed', () => {
    using store = open(':memory:')
    const values = [
      '',
      '{',
      '[]',
      'null',
      '{"__proto__":{"AppName":"x"}}',
      '{"AppName":"x","TimeGenerated":"0000"}',
      '\ud800',
    ]
    const records = values.map((value, offset) => ({ ...recordOf(row(), offset), value: Buffer.from(value) }))
    expect(countsOf(store.apply({ topic, partition: 0, from: 0, next: 7, records }))).toEqual({ unreadable: 7 })
    expect(store.position(topic, 0)).toBe(7)
  })

  test('a time to come counts as at most a day ahead; what is older than is kept is left out', () => {
    using store = open(':memory:')
    const rows = [row({ id: 'a', day: today + 100_000 }), row({ id: 'b', day: today - 92 })]
    expect(countsOf(store.apply(batchOf(rows, 0)))).toEqual({ counted: 1, old: 1 })
    expect(store.apps({ ...whole, toDay: today + 1 }).apps[0]?.lastSeenMs).toBe(todayMs + dayMs)
  })

  test('text of an attacker is data: long, empty, SQL, NUL, half characters', () => {
    using store = open(':memory:')
    const long = 'x'.repeat(300)
    const names = [
      `${long}1`,
      `${long}2`,
      "'; DROP TABLE users; --",
      'a\u0000b',
      '\u202egnp.exe',
      '%',
      '_',
      '<img src=x onerror=alert(1)>',
    ]
    store.apply(
      batchOf(
        names.map((user, n) => row({ id: `${n}`, user })),
        0,
      ),
    )
    const { entities, total } = store.entities('users', { ...whole, sort: 'name' })
    expect(total).toBe(names.length)
    expect(entities.map(({ name }) => name.length).every((length) => length <= 256)).toBe(true)
    expect(entities.map(({ name }) => name)).toEqual(expect.arrayContaining(names.slice(2)))
    // Wildcards of LIKE are letters like others.
    expect(store.entities('users', { ...whole, search: '%' }).entities.map(({ name }) => name)).toEqual(['%'])
    expect(store.entities('users', { ...whole, user: "'; DROP TABLE users; --" }).total).toBe(1)
  })

  test('an app tells of itself what its newest row said', () => {
    using store = open(':memory:')
    const told = (name: string, day: number, offset: number) => {
      const record = recordOf(row({ id: name, day }), offset)
      const value = { ...JSON.parse(Buffer.from(record.value).toString()), AppName: name }
      return { ...record, value: Buffer.from(JSON.stringify(value)) }
    }
    store.apply({ topic, partition: 0, from: 0, next: 2, records: [told('new', today, 0), told('old', today - 1, 1)] })
    expect(store.apps(whole).apps.map(({ name }) => name)).toEqual(['new'])
  })
})

describe('lists', () => {
  test('pages cover everything once, also with equal sums; a page behind the end knows the total', () => {
    using store = open(':memory:')
    store.apply(
      batchOf(
        Array.from({ length: 25 }, (_, app) => row({ id: `${app}`, app })),
        0,
      ),
    )
    const pages = [0, 10, 20].flatMap((offset) => store.apps({ ...whole, offset, limit: 10 }).apps)
    expect(new Set(pages.map(({ appId }) => appId)).size).toBe(25)
    expect(store.apps({ ...whole, offset: 100 })).toEqual({ apps: [], total: 25 })
  })

  test('an export is the list as it was when it began, while rows go on coming', () => {
    using store = open()
    store.apply(
      batchOf(
        Array.from({ length: 50 }, (_, app) => row({ id: `${app}`, app })),
        0,
      ),
    )
    const rows = store.export('apps', { ...whole, limit: 1_000 })
    const first = rows.next()
    store.apply(batchOf([row({ id: 'later', app: 77 })], 50))
    expect([first.value, ...rows]).toHaveLength(50)
  })
})

describe('prune', () => {
  test('removes days beyond the retention, with the names nobody needs any more', () => {
    using store = open(':memory:')
    store.apply(batchOf([row({ id: 'a', day: today - 80, user: 'gone' }), row({ id: 'b' })], 0))
    expect(store.prune(todayMs + 20 * dayMs)).toMatchObject({ daysCut: 0, discoveryRows: 1 })
    expect(store.entities('users', { ...whole, fromDay: 0 }).entities.map(({ name }) => name)).toEqual(['ada'])
    // Its number may be another's by now.
    store.apply(batchOf([row({ id: 'c', user: 'eve' }), row({ id: 'd', user: 'gone' })], 2))
    expect(store.entities('users', whole).total).toBe(3)
  })

  test('beyond the bound of rows the oldest days leave early', () => {
    const store = new ViewsStore(':memory:', { retentionDays: 90, discoveryRowsMax: 10 })
    store.apply(
      batchOf(
        Array.from({ length: 30 }, (_, n) => row({ id: `${n}`, day: today - n })),
        0,
      ),
    )
    expect(store.prune(todayMs)).toMatchObject({ daysCut: 20, discoveryRows: 10 })
    store.close()
  })
})

describe('duplicates', () => {
  const told = (n: number, agent: string, more: object = {}) => ({
    key: `${n}`,
    offset: n,
    appendedMs: todayMs + n,
    headers: { reason: 'duplicate', agent },
    value: Buffer.from(
      JSON.stringify({
        discarded: { id: `left ${n}`, source: 'mda', product: 'cloud-apps' },
        kept: { id: `kept ${n}`, source: 'graph', product: 'identity' },
        matched: ['type:ALERT_X', 'account:a:b'],
        distanceMs: 1_500,
        policy: 'first',
        ...more,
      }),
    ),
  })

  test('are listed newest first, by agent, in pages', () => {
    using store = open(':memory:')
    const records = Array.from({ length: 12 }, (_, n) => told(n, n % 2 ? 'odd' : 'even'))
    const repeat = { ...told(12, 'odd'), headers: { reason: 'repeat', agent: 'odd' }, value: Buffer.alloc(0) }
    const broken = told(13, 'odd', { matched: 'not a list' })
    const applied = store.apply({
      topic: discardedTopic.name,
      partition: 0,
      from: 0,
      next: 14,
      records: [...records, repeat, broken],
    })
    expect(countsOf(applied)).toEqual({ counted: 12, other: 1, unreadable: 1 })
    const first = store.duplicates({ agent: 'odd', limit: 4 })
    expect(first.total).toBe(6)
    expect(first.duplicates.map(({ leftOut }) => leftOut.id)).toEqual(['left 11', 'left 9', 'left 7', 'left 5'])
    const second = store.duplicates({ agent: 'odd', limit: 4, before: first.next })
    expect(second.duplicates.map(({ leftOut }) => leftOut.id)).toEqual(['left 3', 'left 1'])
    expect(second.next).toBeUndefined()
    expect(first.duplicates[0]).toMatchObject({
      kept: { id: 'kept 11', source: 'graph' },
      evidence: [
        { key: 'type', value: 'ALERT_X' },
        { key: 'account', value: 'a:b' },
      ],
      distanceSeconds: 1.5,
    })
  })
})

describe('the file', () => {
  test('goes on where it stood', () => {
    {
      using store = open()
      store.apply(batchOf([row()], 0))
    }
    using again = open()
    expect(again.position(topic, 0)).toBe(1)
    expect(countsOf(again.apply(batchOf([row()], 1)))).toEqual({ repeated: 1 })
  })

  test('of another version is made anew', () => {
    {
      using store = open()
      store.apply(batchOf([row()], 0))
    }
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    using again = open()
    expect(again.position(topic, 0)).toBe(0)
    expect(again.summary(whole).apps).toBe(0)
  })

  test.each(['not a database at all, but long enough to be read as one '.repeat(40), ''])(
    'that is none is made anew',
    (text) => {
      writeFileSync(path, text)
      using store = open()
      expect(countsOf(store.apply(batchOf([row()], 0)))).toEqual({ counted: 1 })
    },
  )

  test('with damaged pages is made anew', () => {
    {
      using store = open()
      const rows = Array.from({ length: 3_000 }, (_, n) => row({ id: `${n}`, user: `user ${n}` }))
      store.apply(batchOf(rows, 0))
    }
    const size = statSync(path).size
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(Math.floor(size / 2), 0x5a), 0, Math.floor(size / 2), Math.floor(size / 4))
    closeSync(file)
    using again = open()
    expect(again.position(topic, 0)).toBe(0)
    expect(readFileSync(path).subarray(0, 15).toString()).toBe('SQLite format 3')
  })

  test('killed at any moment, it counts nothing twice and nothing less', async () => {
    const script = fileURLToPath(new URL('./testing/child.ts', import.meta.url))
    for (const lines of [1, 7, 23]) {
      const child: ChildProcess = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'exit')
      let read = 0
      for await (const _ of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
        if (++read === lines) child.kill('SIGKILL')
      await ended
      using store = open()
      const position = store.position(topic, 0)
      const { uploadedBytes, downloadedBytes } = store.summary(whole)
      expect(downloadedBytes).toBe(position)
      expect(uploadedBytes).toBe(Math.abs((position * (position - 1)) / 2))
    }
  })
})

function sum2(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
