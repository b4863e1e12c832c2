import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'

const fixture = new URL('./testing/run-process-fixture.ts', import.meta.url).pathname

async function startChild(...args: string[]) {
  const child: ChildProcessByStdio<null, Readable, null> = spawn(process.execPath, [fixture, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const exited = once(child, 'exit')
  expect((await lines.next()).value).toBe('started')
  return { child, lines, exited }
}

describe('a real process', () => {
  test('stays up without anything to do, drains at SIGTERM and exits 0', async () => {
    const { child, lines, exited } = await startChild()
    child.kill('SIGTERM')
    expect((await lines.next()).value).toBe('stopping')
    expect(await exited).toEqual([0, null])
  })

  test('that hangs while draining ends with 130 at a second SIGINT', async () => {
    const { child, lines, exited } = await startChild('hang')
    child.kill('SIGINT')
    expect((await lines.next()).value).toBe('stopping')
    child.kill('SIGINT')
    expect(await exited).toEqual([130, null])
  })
})
