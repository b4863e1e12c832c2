import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RelayError } from '@siem-relay/common'
import type { Control, TapItem } from '@siem-relay/control'
import { memoryLogger } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { reachControl } from './client.ts'
import { serveControl } from './server.ts'
import { controlSocketPath } from './socket-path.ts'

const refuse = (): never => {
  throw new RelayError('RELAY_USAGE', 'there is no agent x')
}

/** A control that remembers what it was asked. */
function fakeControl(asked: unknown[], tap: Control['tap'] = () => refuse()): Control {
  return {
    agents: async () => [],
    lag: async (wanted) => {
      asked.push(wanted)
      return []
    },
    sources: async () => [],
    countReplay: async () => refuse(),
    startReplay: async () => refuse(),
    replays: async () => {
      throw new TypeError('a bug')
    },
    cancelReplay: async () => refuse(),
    forget: async () => ({ agent: 'x', undelivered: 1, stored: 2 }),
    deadLetters: async () => ({ letters: [] }),
    deadLetter: async () => refuse(),
    retryDeadLetters: async () => refuse(),
    dropDeadLetters: async () => refuse(),
    preview: async () => [],
    metrics: async () => undefined,
    tap,
  }
}

async function served(
  work: (parts: { control: Control; path: string; asked: unknown[]; directory: string }) => Promise<void>,
  tap?: Control['tap'],
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-control-'))
  const asked: unknown[] = []
  const server = await serveControl(fakeControl(asked, tap), directory, memoryLogger().log)
  try {
    const path = controlSocketPath(directory)
    const control = await reachControl(path)
    if (control === undefined) throw new Error('nobody listens')
    await work({ control, path, asked, directory })
  } finally {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function post(socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: 'POST', path }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('control over the socket', () => {
  test('calls the methods with their arguments, defaults filled in', () =>
    served(async ({ control, asked }) => {
      expect(await control.lag({ agent: 'soc' })).toEqual([])
      expect(asked).toEqual([{ agent: 'soc', windowMs: 2_000 }])
      expect(await control.forget({ agent: 'x' })).toEqual({ agent: 'x', undelivered: 1, stored: 2 })
    }))

  test('hands back errors with their code', () =>
    served(async ({ control }) => {
      await expect(control.cancelReplay('r1')).rejects.toMatchObject({
        code: 'RELAY_USAGE',
        message: 'there is no agent x',
      })
      await expect(control.replays()).rejects.toMatchObject({ code: 'RELAY_CONTROL_FAILED', message: 'a bug' })
    }))

  test('is for the user of the relay alone', () =>
    served(async ({ path }) => {
      // A named pipe has no mode.
      if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
    }))

  test.each([
    ['an unknown method', '/v1/bogus', '', 404],
    ['a name every object has', '/v1/constructor', '', 404],
    ['no JSON', '/v1/lag', '{', 422],
    ['an unknown key', '/v1/lag', '{"agnt":"x"}', 422],
    ['an id that cannot be one', '/v1/cancelReplay', '"../x"', 422],
    ['more than anybody needs', '/v1/lag', JSON.stringify('x'.repeat(5_000_000)), 422],
  ])('refuses %s', (_, path, body, status) =>
    served(async ({ path: socketPath }) => {
      expect((await post(socketPath, path, body)).status).toBe(status)
    }),
  )

  test('hands on records one by one, no faster than they are taken, until the reader leaves', () => {
    let given = 0
    const ended = Promise.withResolvers<void>()
    const large = 'x'.repeat(100_000)
    return served(
      async ({ control }) => {
        const got: TapItem[] = []
        for await (const item of control.tap({ stage: 'raw' })) {
          got.push(item)
          if (got.length === 3) break
        }
        expect(got.map(({ type }) => type)).toEqual(['started', 'skipped', 'skipped'])
        await ended.promise
        // What the sockets' buffers hold, and no more.
        expect(given).toBeLessThan(200)
      },
      async function* (_request, signal) {
        try {
          yield { type: 'started', topics: [] }
          while (signal?.aborted !== true) {
            yield { type: 'skipped', records: ++given, filler: large } as TapItem
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          ended.resolve()
        }
      },
    )
  })

  test('ends a tap that waits for records when its reader is gone', () => {
    const ended = Promise.withResolvers<void>()
    const leaving = new AbortController()
    return served(
      async ({ control }) => {
        for await (const item of control.tap({ stage: 'raw' }, leaving.signal))
          if (item.type === 'started') leaving.abort()
        await ended.promise
      },
      async function* (_request, signal) {
        yield { type: 'started', topics: [] }
        await new Promise((resolve) => signal?.addEventListener('abort', resolve))
        ended.resolve()
      },
    )
  })

  test('tells trouble of a tap before its first record and after it', () =>
    served(
      async ({ control }) => {
        await expect(Array.fromAsync(control.tap({ stage: 'raw' }))).rejects.toMatchObject({
          code: 'RELAY_LOG_WRITE',
          message: 'the disk is gone',
        })
        await expect(Array.fromAsync(control.tap({ stage: 'out' }))).rejects.toMatchObject({ code: 'RELAY_USAGE' })
        await expect(Array.fromAsync(control.tap({ stage: 'bogus' as 'out' }))).rejects.toMatchObject({
          code: 'RELAY_USAGE',
        })
      },
      async function* ({ stage }) {
        if (stage === 'out') refuse()
        yield { type: 'started', topics: [] }
        throw new RelayError('RELAY_LOG_WRITE', 'the disk is gone')
      },
    ))

  test('replaces the socket file of a killed process, and whatever else lies there', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'siem-relay-control-'))
    const path = controlSocketPath(directory)
    writeFileSync(path, 'left over')
    const server = await serveControl(fakeControl([]), directory, memoryLogger().log)
    expect(await (await reachControl(path))?.lag({})).toEqual([])
    await server.close()
    expect(await reachControl(path)).toBeUndefined()
    rmSync(directory, { recursive: true, force: true })
  })

  test('says that there is none where the path is too long, and the relay goes on', async () => {
    const { log, entries } = memoryLogger()
    const server = await serveControl(fakeControl([]), join(tmpdir(), 'x'.repeat(200)), log)
    expect(entries.map(({ msg }) => msg)).toEqual(['no control socket: commands cannot reach this relay'])
    await server.close()
  })

  test('a listener that does not answer in HTTP is an error, not an absent relay', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'siem-relay-control-'))
    const path = controlSocketPath(directory)
    const other = createServer((socket) => socket.destroy()).listen(path)
    await new Promise((resolve) => other.once('listening', resolve))
    await expect(reachControl(path)).rejects.toMatchObject({ code: 'RELAY_CONTROL_FAILED' })
    await new Promise((resolve) => other.close(resolve))
    rmSync(directory, { recursive: true, force: true })
  })
})
