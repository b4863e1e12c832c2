import { EventEmitter } from 'node:events'
import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { ConfigError } from './config/problems.ts'
import { exitCodeOf, type ProcessOptions, type ProcessWork, runProcess } from './lifecycle.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { memoryLogger } from './testing/memory-logger.ts'

/** A process that notes what it was told. */
function fakeProcess() {
  const events = new EventEmitter()
  let stderr = ''
  const exits: number[] = []
  return {
    on: (event: string, listener: (value: unknown) => void) => events.on(event, listener),
    off: (event: string, listener: (value: unknown) => void) => events.off(event, listener),
    stderr: { write: (text: string) => (stderr += text) },
    exit: (code: number) => exits.push(code),
    emit: (event: string, value?: unknown) => events.emit(event, value),
    listeners: () => events.eventNames().length,
    exits,
    written: () => stderr,
  }
}

function fakeWork(overrides: Partial<ProcessWork> = {}) {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  const stops: number[] = []
  const work: ProcessWork = {
    failed,
    stop: async (drainMs) => {
      stops.push(drainMs)
    },
    [Symbol.asyncDispose]: async () => undefined,
    ...overrides,
  }
  return { work, fail, stops }
}

function run(start: ProcessOptions['start'], options: Partial<ProcessOptions> = {}) {
  const target = fakeProcess()
  const clock = new FakeClock()
  const { log, entries } = memoryLogger()
  const code = runProcess({
    start: (context) => {
      context.useLog(log)
      return start(context)
    },
    process: target,
    clock,
    ...options,
  })
  return { target, clock, entries, code }
}

describe('a signal', () => {
  test.each(['SIGINT', 'SIGTERM'])('%s drains and exits 0', async (signal) => {
    const { work, stops } = fakeWork()
    const { target, clock, code } = run(async () => work)
    await clock.settle()
    target.emit(signal)
    expect(await code).toBe(0)
    expect(stops).toEqual([8_000])
    expect(target.exits).toEqual([0])
    expect(target.listeners()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('SIGHUP is left to the system until the start asks for it, and does not stop anything then', async () => {
    const { work, stops } = fakeWork()
    let hangups = 0
    const asking = Promise.withResolvers<() => void>()
    const { target, clock, code } = run(async ({ useHangup }) => {
      asking.resolve(() => useHangup(() => hangups++))
      return work
    })
    await clock.settle()
    const before = target.listeners()
    const ask = await asking.promise
    ask()
    expect(target.listeners()).toBe(before + 1)
    target.emit('SIGHUP')
    target.emit('SIGHUP')
    expect([hangups, stops]).toEqual([2, []])
    target.emit('SIGTERM')
    expect(await code).toBe(0)
    expect(target.listeners()).toBe(0)
    ask()
    expect(target.listeners()).toBe(0)
  })

  test('the start context is told before anything stops', async () => {
    const order: string[] = []
    const { work } = fakeWork({
      stop: async () => {
        order.push('stop')
      },
    })
    const { target, clock, code } = run(async ({ signal }) => {
      signal.addEventListener('abort', () => order.push('signal'))
      return work
    })
    await clock.settle()
    target.emit('SIGTERM')
    await code
    expect(order).toEqual(['signal', 'stop'])
  })

  test('a drain that takes too long ends with 0 within 10 s, and the log names what was left', async () => {
    const { work } = fakeWork({ stop: () => new Promise(() => undefined), undrained: () => ['syslog-sender/splunk'] })
    const { target, clock, entries, code } = run(async () => work)
    await clock.settle()
    target.emit('SIGTERM')
    await clock.advance(9_499)
    expect(target.exits).toEqual([])
    await clock.advance(1)
    expect(await code).toBe(0)
    expect(entries.at(-1)).toMatchObject({ level: 'warn', undrained: ['syslog-sender/splunk'], waitedMs: 9_500 })
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('a second one, %s, exits %i at once', async (signal, exitCode) => {
    const { work } = fakeWork({ stop: () => new Promise(() => undefined) })
    const { target, clock, code } = run(async () => work)
    await clock.settle()
    target.emit('SIGTERM')
    target.emit(signal)
    expect(target.exits).toEqual([exitCode])
    expect(await code).toBe(exitCode)
  })

  test('during the start, what started is stopped', async () => {
    const { work, stops } = fakeWork()
    const { promise: started, resolve } = Promise.withResolvers<ProcessWork>()
    const { target, clock, code } = run(() => started)
    target.emit('SIGTERM')
    await clock.settle()
    expect(target.exits).toEqual([])
    resolve(work)
    expect(await code).toBe(0)
    expect(stops).toEqual([8_000])
  })

  test('during a start that gives up because of it, exits 0', async () => {
    const { target, code } = run(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    target.emit('SIGINT')
    expect(await code).toBe(0)
  })

  test('a stop that fails exits 1 with its error', async () => {
    const { work } = fakeWork({
      stop: async () => {
        throw new Error('disk is gone')
      },
    })
    const { target, clock, entries, code } = run(async () => work)
    await clock.settle()
    target.emit('SIGTERM')
    expect(await code).toBe(1)
    expect(entries.at(-1)).toMatchObject({ level: 'fatal', msg: 'stopping failed', err: { message: 'disk is gone' } })
  })

  test('a service that fails while stopping does not cut the drain short', async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    const { work, fail } = fakeWork({ stop: () => stopped })
    const { target, clock, entries, code } = run(async () => work)
    await clock.settle()
    target.emit('SIGTERM')
    fail(new Error('log closed'))
    await clock.settle()
    expect(target.exits).toEqual([])
    resolve()
    expect(await code).toBe(0)
    expect(entries).toContainEqual(expect.objectContaining({ level: 'warn', msg: 'a service failed while stopping' }))
  })
})

describe('a failure', () => {
  test('of a service is logged and exits 1', async () => {
    const { work, fail } = fakeWork()
    const { entries, code } = run(async () => work)
    fail(new Error('bus fenced'))
    expect(await code).toBe(1)
    expect(entries.at(-1)).toMatchObject({ level: 'fatal', msg: 'a service failed', err: { message: 'bus fenced' } })
  })

  test.each(['unhandledRejection', 'uncaughtException'])('%s is logged and exits 1', async (event) => {
    const { work } = fakeWork()
    const { target, clock, entries, code } = run(async () => work)
    await clock.settle()
    target.emit(event, new Error('surprise'))
    expect(await code).toBe(1)
    expect(entries.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'surprise' } })
  })

  test('of the log itself still exits 1, once', async () => {
    const target = fakeProcess()
    const code = runProcess({
      start: ({ useLog }) => {
        const broken = (): never => {
          target.emit('uncaughtException', new Error('EPIPE'))
          throw new Error('EPIPE')
        }
        useLog({ info: broken, warn: broken, fatal: broken })
        throw new Error('no start')
      },
      process: target,
    }).catch(() => 1)
    expect(await code).toBe(1)
    expect(target.exits).toEqual([1])
  })

  test('of the configuration goes to standard error, line by line, and exits 78', async () => {
    const { target, code } = run(() => {
      throw new ConfigError([
        { place: 'siem-relay.yaml:3:5', path: 'bus.porrt', message: 'unknown key' },
        { place: 'SIEM_RELAY_BUS', path: 'bus', message: 'expected a section' },
      ])
    })
    expect(await code).toBe(78)
    expect(target.written()).toBe(
      'siem-relay.yaml:3:5 bus.porrt: unknown key\nSIEM_RELAY_BUS bus: expected a section\n',
    )
  })

  test.each(['RELAY_LISTEN_FAILED', 'RELAY_LOG_LOCKED'] as const)(
    '%s before there is a log is one line, the next move, and no stack',
    async (errorCode) => {
      const target = fakeProcess()
      const code = runProcess({
        start: async () => {
          throw new RelayError(errorCode, 'cannot take it')
        },
        process: target,
      })
      expect(await code).toBe(1)
      expect(target.written().split('\n')).toEqual([
        'siem-relay: cannot take it',
        new RelayError(errorCode, '').nextMove,
        '',
      ])
    },
  )

  test('nobody expected keeps its stack', async () => {
    const target = fakeProcess()
    const code = runProcess({
      start: async () => {
        throw new TypeError('x is not a function')
      },
      process: target,
    })
    expect(await code).toBe(1)
    expect(target.written()).toContain('siem-relay: the start failed: TypeError: x is not a function\n    at ')
  })
})

describe('exitCodeOf', () => {
  test.each([
    [new ConfigError([]), 78],
    [new RelayError('RELAY_CONFIG_INVALID', 'x'), 78],
    [new RelayError('RELAY_USAGE', 'x'), 2],
    [new RelayError('RELAY_LISTEN_FAILED', 'x'), 1],
    [new Error('x'), 1],
    [undefined, 1],
  ])('%s is %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })
})
