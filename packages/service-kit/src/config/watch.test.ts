import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { nextChange, stampOf } from './watch.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'siem-relay-watch-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function watching(...names: readonly string[]) {
  const paths = names.map((name) => join(directory, name))
  const clock = new FakeClock()
  const stopping = new AbortController()
  let outcome: string | undefined
  nextChange(paths, stampOf(paths), { clock, signal: stopping.signal }).then(
    () => {
      outcome = 'changed'
    },
    (error: Error) => {
      outcome = error.message
    },
  )
  return { clock, stopping, outcome: () => outcome, paths }
}

describe('nextChange', () => {
  test.each([
    ['an edit in place', (file: string) => appendFileSync(file, 'more')],
    ['an edit that keeps the size', (file: string) => writeFileSync(file, 'two')],
    [
      'a file renamed over it, as editors do',
      (file: string) => {
        writeFileSync(`${file}.new`, 'two')
        renameSync(`${file}.new`, file)
      },
    ],
    ['a file that is taken away', (file: string) => unlinkSync(file)],
  ])('notices %s', async (_, change) => {
    writeFileSync(join(directory, 'file'), 'one')
    const watch = watching('other', 'file')
    await watch.clock.advance(5_000)
    expect(watch.outcome()).toBeUndefined()
    change(join(directory, 'file'))
    await watch.clock.advance(2_000)
    expect(watch.outcome()).toBe('changed')
  })

  test('notices a swapped link to the directory, as Kubernetes does', async () => {
    const at = (name: string): string => join(directory, name)
    for (const name of ['v1', 'v2']) {
      mkdirSync(at(name))
      writeFileSync(join(at(name), 'file'), 'same')
    }
    symlinkSync('v1', at('data'))
    symlinkSync(join('data', 'file'), at('file'))
    const watch = watching('file')
    symlinkSync('v2', at('data.new'))
    renameSync(at('data.new'), at('data'))
    await watch.clock.advance(2_000)
    expect(watch.outcome()).toBe('changed')
  })

  test('notices a file that comes into being', async () => {
    const watch = watching('file')
    await watch.clock.advance(2_000)
    writeFileSync(join(directory, 'file'), 'one')
    await watch.clock.advance(2_000)
    expect(watch.outcome()).toBe('changed')
  })

  test('waits while the file is being written', async () => {
    writeFileSync(join(directory, 'file'), '')
    const watch = watching('file')
    await watch.clock.advance(1_000)
    for (let n = 0; n < 10; n++) {
      appendFileSync(join(directory, 'file'), 'a line\n')
      await watch.clock.advance(300)
      expect(watch.outcome()).toBeUndefined()
    }
    await watch.clock.advance(300)
    expect(watch.outcome()).toBe('changed')
  })

  test('ends with the signal and leaves no timer behind', async () => {
    const watch = watching('file')
    await watch.clock.advance(1_000)
    watch.stopping.abort(new Error('enough'))
    await watch.clock.settle()
    expect([watch.outcome(), watch.clock.pending]).toEqual(['enough', 0])
  })
})
