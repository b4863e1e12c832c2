import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { IntakeBench, ndjson, rowOf } from '../../testing/intake-bench.ts'
import { runFile } from './file-run.ts'
import type { Ledger } from './ledger.ts'
import { Shelves } from './shelf.ts'

const csv = (...numbers: readonly number[]): string =>
  ['TimeGenerated,AppName,TotalEvents', ...numbers.map((n) => `2026-11-24T10:00:00Z,Box,${n}`), ''].join('\n')
const many = (from: number, count: number) => Array.from({ length: count }, (_, n) => rowOf(from + n))
const told = (bench: IntakeBench, message: string) => bench.world.entries.filter(({ msg }) => msg === message)

describe('files', () => {
  test('of every format, compressed or not, are taken in the order of their names and moved to done', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('d.json.gz', gzipSync(JSON.stringify([rowOf(4)])))
    bench.drop('a.ndjson', ndjson(rowOf(1)))
    bench.drop('c.CSV', csv(3))
    bench.drop('b.jsonl', ndjson(rowOf(2)))
    await bench.look()
    expect(await bench.numbers()).toEqual([1, 2, 3, 4])
    expect(bench.names('done')).toEqual(['a.ndjson', 'b.jsonl', 'c.CSV', 'd.json.gz'])
    expect(told(bench, 'file was taken in').map(({ file }) => file)).toEqual([
      'a.ndjson',
      'b.jsonl',
      'c.CSV',
      'd.json.gz',
    ])
    expect(bench.names()).toEqual(['done', 'failed'])
    expect(await bench.metric('siem_relay_intake_files_total', { result: 'done' })).toBe(4)
    expect(await bench.metric('siem_relay_intake_rows_total', { way: 'directory', result: 'accepted' })).toBe(4)
    expect(bench.source.status()).toMatchObject({ state: 'collecting', streams: [{ hasSucceeded: true, backlog: 0 }] })
  })

  test('that are still being written are left alone until they no longer change', async () => {
    await using bench = await IntakeBench.directory()
    const path = join(bench.inbox, 'a.ndjson')
    writeFileSync(path, ndjson(rowOf(1)))
    await bench.until(() => bench.clock.pending > 0)
    await bench.clock.advance(10_000)
    await bench.until(() => bench.clock.pending > 0)
    appendFileSync(path, ndjson(rowOf(2)))
    await bench.clock.advance(10_000)
    await bench.until(() => bench.clock.pending > 0)
    expect(await bench.numbers()).toEqual([])
    await bench.look()
    expect(await bench.numbers()).toEqual([1, 2])
  })

  test('with other names, hidden ones, links, sockets and directories are not touched', async () => {
    await using bench = await IntakeBench.directory({ pattern: 'export-*.ndjson' })
    const outside = join(bench.path, 'outside.ndjson')
    writeFileSync(outside, ndjson(rowOf(9)))
    symlinkSync(outside, join(bench.inbox, 'export-link.ndjson'))
    mkdirSync(join(bench.inbox, 'export-directory.ndjson'))
    const server = createServer().listen(join(bench.inbox, 'export-socket.ndjson'))
    await once(server, 'listening')
    for (const name of [
      '.export-1.ndjson',
      'export-1.ndjson.tmp',
      'export-1.ndjson.part',
      'other.ndjson',
      'export-1.txt',
    ])
      writeFileSync(join(bench.inbox, name), ndjson(rowOf(8)))
    bench.drop('export-2.ndjson', ndjson(rowOf(2)))
    await bench.look()
    expect(await bench.numbers()).toEqual([2])
    expect(bench.names('done')).toEqual(['export-2.ndjson'])
    expect(bench.names()).toHaveLength(10)
    server.close()
  })

  test('in done are never overwritten', async () => {
    await using bench = await IntakeBench.directory()
    for (const n of [1, 2, 3]) {
      bench.drop('a.csv.gz', gzipSync(csv(n)))
      await bench.look()
    }
    expect(bench.names('done')).toEqual(['a.1.csv.gz', 'a.2.csv.gz', 'a.csv.gz'])
    expect(await bench.numbers()).toEqual([1, 2, 3])
  })

  test('that come a second time hold nothing new', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('a.ndjson', ndjson(rowOf(1)))
    await bench.look()
    renameSync(join(bench.inbox, 'done/a.ndjson'), join(bench.inbox, 'a.ndjson'))
    await bench.look()
    expect(await bench.numbers()).toEqual([1])
    expect(told(bench, 'file was taken in').at(-1)).toMatchObject({ accepted: 0, repeated: 1 })
  })

  test('larger than memory would hold go through in small transactions', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('a.json', JSON.stringify(many(0, 2_600), null, 1))
    const before = bench.commits
    await bench.look()
    expect(await bench.numbers()).toHaveLength(2_600)
    // Six of rows, and one that forgets the file.
    expect(bench.commits - before).toBe(7)
  })
})

describe('rows that are wrong', () => {
  test('are listed with line and problems; the file goes to done with the rest', async () => {
    await using bench = await IntakeBench.directory()
    const bad = { ...rowOf(2), AppScore: 99 }
    bench.drop('a.ndjson', `\ufeff${ndjson(rowOf(1), bad)}oops\r\n${ndjson(rowOf(3))}`)
    await bench.look()
    expect(await bench.numbers()).toEqual([1, 3])
    expect(bench.names('done')).toEqual(['a.ndjson'])
    expect(
      bench
        .content('failed/a.ndjson.rejected.ndjson')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        line: 2,
        reason: 'columns',
        problems: ['AppScore: expected a whole number from 0 to 10, not 99'],
        row: JSON.stringify(bad),
      },
      { line: 3, reason: 'malformed', problems: ['the line is not JSON'], row: 'oops' },
    ])
    expect(told(bench, 'file was taken in')).toMatchObject([
      { accepted: 2, rejected: 2, movedTo: 'done/a.ndjson', rejectedIn: 'a.ndjson.rejected.ndjson' },
    ])
    expect(await bench.metric('siem_relay_intake_rejected_rows_total', { way: 'directory' })).toBe(2)
  })

  test('of two files of one name are listed apart, and no more than ten thousand of each', async () => {
    await using bench = await IntakeBench.directory()
    for (const count of [1, 10_010]) {
      bench.drop('a.ndjson', 'x\n'.repeat(count))
      await bench.look()
    }
    expect(bench.names('failed')).toEqual(['a.ndjson.rejected.1.ndjson', 'a.ndjson.rejected.ndjson'])
    expect(bench.content('failed/a.ndjson.rejected.1.ndjson').trim().split('\n')).toHaveLength(10_000)
    expect(told(bench, 'file was taken in').at(-1)).toMatchObject({ rejected: 10_010 })
  })
})

describe('a file that cannot be read', () => {
  test.each([
    ['a.json', '[{"TimeGenerated":', /ends in the middle/],
    ['a.csv', 'a;b\n', /header line/],
    ['a.csv', Buffer.from('\ufeffa,b', 'utf16le'), /UTF-16/],
    ['a.ndjson.gz', 'no gzip', /not whole gzip data/],
  ])('%s goes to failed, with what to do in the log', async (name, content, problem) => {
    await using bench = await IntakeBench.directory()
    bench.drop(name, content)
    bench.drop('b.ndjson', ndjson(rowOf(2)))
    await bench.look()
    expect(bench.names('failed')).toEqual([name])
    expect(bench.names('done')).toEqual(['b.ndjson'])
    expect(told(bench, 'file could not be taken in')).toMatchObject([
      {
        code: 'RELAY_INTAKE_FILE',
        file: name,
        movedTo: `failed/${name}`,
        error: expect.stringMatching(problem),
        nextMove: expect.stringMatching(/put it back/),
      },
    ])
    expect(await bench.metric('siem_relay_intake_files_total', { result: 'failed' })).toBe(1)
    expect(bench.source.status().state).toBe('collecting')
  })

  test('to its end is taken up to there; mended and put back, the rest follows', async () => {
    await using bench = await IntakeBench.directory()
    const whole = gzipSync(ndjson(...many(0, 5_000)), { level: 1 })
    bench.drop('a.ndjson.gz', whole.subarray(0, -20))
    await bench.look()
    expect(bench.names('failed')).toContain('a.ndjson.gz')
    const before = (await bench.numbers()).length
    bench.drop('a.ndjson.gz', whole)
    await bench.look()
    expect(before).toBeGreaterThan(0)
    expect(await bench.numbers()).toEqual(many(0, 5_000).map(({ TotalEvents }) => TotalEvents))
  })

  test('by this user is told apart from one that is gone, and from a disk that fails', async () => {
    await using bench = await IntakeBench.directory()
    const file = { name: 'a.ndjson', format: 'ndjson', isGzip: false, identity: '1/1/1' } as const
    const end = (code: string) => {
      const shelves = new Shelves(bench.inbox, '*')
      shelves.open = () => Promise.reject(Object.assign(new Error(code), { code }))
      const parts = { shelves, ledger: {} as Ledger, rowBytesMax: 1_000, counted: () => undefined }
      return runFile(file, undefined, parts, new AbortController().signal)
    }
    expect(await end('EACCES')).toMatchObject({ end: 'unreadable', problem: 'this user may not read it (EACCES)' })
    expect(await end('ENOENT')).toMatchObject({ end: 'not-ready' })
    expect(await end('ELOOP')).toMatchObject({ end: 'not-ready' })
    await expect(end('EIO')).rejects.toMatchObject({ code: 'RELAY_INTAKE_DIRECTORY' })
  })
})

describe('a restart', () => {
  /** The process dies at the n-th commit. */
  const dieAt = (bench: IntakeBench, n: number): void => {
    const last = bench.commits + n
    bench.beforeCommit = () => {
      if (bench.commits + 1 >= last) throw new RelayError('RELAY_BUS_FENCED', 'another')
    }
  }
  const live = async (bench: IntakeBench): Promise<void> => {
    bench.beforeCommit = () => undefined
    await bench.start()
    await bench.look()
  }

  test.each([1, 2, 3, 4])(
    'at commit %i goes on behind the last row that was kept: none lost, none twice, none listed twice',
    async (n) => {
      await using bench = await IntakeBench.directory()
      const lines = many(0, 1_400).map((row) => (Number(row.TotalEvents) % 100 === 7 ? 'oops' : JSON.stringify(row)))
      bench.drop('a.ndjson.gz', gzipSync(lines.join('\n')))
      dieAt(bench, n)
      await bench.until(() => bench.clock.pending > 0)
      await bench.clock.advance(10_000)
      await bench.until(() => bench.clock.pending > 0)
      await bench.clock.advance(10_000)
      await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
      await live(bench)
      expect(await bench.numbers()).toEqual(
        many(0, 1_400)
          .map(({ TotalEvents }) => TotalEvents)
          .filter((each) => each % 100 !== 7),
      )
      expect(await bench.metric('siem_relay_intake_rows_total', { result: 'repeated' })).toBe(0)
      const listed = bench.content('failed/a.ndjson.gz.rejected.ndjson').trim().split('\n')
      expect(listed.map((line) => JSON.parse(line).line % 100)).toEqual(Array.from({ length: 14 }, () => 8))
      expect(bench.names('done')).toEqual(['a.ndjson.gz'])
      expect(told(bench, 'file was taken in')).toMatchObject([{ accepted: 1_386, repeated: 0, rejected: 14 }])
    },
  )

  test('between the last commit and the move reads nothing again, and moves', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('a.ndjson', ndjson(rowOf(1)))
    // The copy is the same file, as if it had not been moved yet.
    const copy = join(bench.path, 'copy.ndjson')
    linkSync(join(bench.inbox, 'a.ndjson'), copy)
    dieAt(bench, 2)
    await bench.until(() => bench.clock.pending > 0)
    await bench.clock.advance(10_000)
    await bench.until(() => bench.clock.pending > 0)
    await bench.clock.advance(10_000)
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    rmSync(join(bench.inbox, 'done/a.ndjson'))
    renameSync(copy, join(bench.inbox, 'a.ndjson'))
    await live(bench)
    expect(await bench.numbers()).toEqual([1])
    expect(await bench.metric('siem_relay_intake_rows_total')).toBe(0)
    expect(bench.names('done')).toEqual(['a.ndjson'])
    expect(told(bench, 'file was taken in')).toMatchObject([{ rejected: 0 }])
  })

  test('finds another file under the name it was reading, and reads it from its beginning', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('a.csv', csv(...many(0, 600).map(({ TotalEvents }) => TotalEvents)))
    dieAt(bench, 2)
    await bench.until(() => bench.clock.pending > 0)
    await bench.clock.advance(10_000)
    await bench.until(() => bench.clock.pending > 0)
    await bench.clock.advance(10_000)
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_BUS_FENCED' })
    bench.drop('a.csv', csv(700, 701))
    await live(bench)
    expect(await bench.numbers()).toEqual([...many(0, 500).map(({ TotalEvents }) => TotalEvents), 700, 701])
  })
})

describe('trouble', () => {
  test('a log that takes nothing: the file waits, half read, and goes on', async () => {
    await using bench = await IntakeBench.directory()
    bench.isOpen = false
    bench.drop('a.ndjson', ndjson(...many(0, 600)))
    await bench.look()
    await bench.until(() => bench.source.status().state === 'waiting')
    expect(bench.source.status().lastError).toMatchObject({ code: 'RELAY_LOG_FULL' })
    expect(bench.names()).toContain('a.ndjson')
    bench.isOpen = true
    await bench.clock.advance(1_000)
    await bench.until(() => existsSync(join(bench.inbox, 'done/a.ndjson')))
    expect(await bench.numbers()).toHaveLength(600)
    expect(bench.source.status().state).toBe('collecting')
  })

  test('a directory that is away is an error with its next move, until it is back', async () => {
    await using bench = await IntakeBench.directory()
    const away = join(bench.path, 'away')
    await bench.until(() => bench.clock.pending > 0)
    renameSync(bench.inbox, away)
    writeFileSync(bench.inbox, 'in its place')
    await bench.look()
    expect(bench.source.status()).toMatchObject({
      state: 'error',
      lastError: {
        code: 'RELAY_INTAKE_DIRECTORY',
        message: expect.stringContaining(`${bench.inbox} cannot be read`),
        nextMove: expect.stringContaining('read, write and rename'),
      },
    })
    rmSync(bench.inbox)
    renameSync(away, bench.inbox)
    bench.drop('a.ndjson', ndjson(rowOf(1)))
    await bench.clock.advance(16 * 60_000)
    await bench.look()
    expect(await bench.numbers()).toEqual([1])
    expect(bench.source.status()).toMatchObject({ state: 'collecting', lastError: undefined })
  })

  test('a file that cannot be moved is an error; it is not taken twice', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('a.ndjson', ndjson(rowOf(1)))
    await bench.until(() => bench.clock.pending > 0)
    rmSync(join(bench.inbox, 'done'), { recursive: true })
    closeSync(openSync(join(bench.inbox, 'done'), 'w'))
    await bench.look()
    expect(bench.source.status()).toMatchObject({ state: 'error', lastError: { code: 'RELAY_INTAKE_DIRECTORY' } })
    rmSync(join(bench.inbox, 'done'))
    await bench.clock.advance(16 * 60_000)
    await bench.look()
    await bench.until(() => existsSync(join(bench.inbox, 'done/a.ndjson')))
    expect(await bench.numbers()).toEqual([1])
  })

  test('a place that cannot be read stops the source', async () => {
    await using bench = await IntakeBench.directory()
    await bench.stop()
    await bench.damageState('file/discovery')
    await bench.start()
    await expect(bench.ended).rejects.toMatchObject({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' })
  })

  test('a file that shrinks while it waits for the log is left, and read again once it rests', async () => {
    await using bench = await IntakeBench.directory()
    bench.drop('a.ndjson', ndjson(...many(0, 600)))
    bench.isOpen = false
    await bench.look()
    await bench.until(() => bench.source.status().state === 'waiting')
    truncateSync(join(bench.inbox, 'a.ndjson'), 0)
    bench.isOpen = true
    await bench.clock.advance(1_000)
    await bench.until(() => bench.source.status().state === 'collecting' && bench.clock.pending === 1)
    expect(bench.names()).toContain('a.ndjson')
    await bench.look()
    expect(bench.names('done')).toEqual(['a.ndjson'])
  })
})
