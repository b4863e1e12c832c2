import { describe, expect, test } from 'vitest'
import { decodeStatus, standingOf, type ToldStatus } from './status.ts'

const hourMs = 3_600_000
const nowMs = 100 * hourMs
const error = { code: 'RELAY_RECEIVER_UNREACHABLE', message: 'refused', nextMove: 'Check host.', atMs: nowMs - 1_000 }
const told = (more: Partial<ToldStatus>): ToldStatus => ({
  agent: 'soc',
  instance: 'one',
  state: 'connected',
  sinceMs: nowMs - hourMs,
  heartbeatMs: nowMs,
  ...more,
})
const on = { enabled: true }
/** Fails since then, and was connected before. */
const failing = (sinceMs: number): ToldStatus =>
  told({ state: 'error', sinceMs, lastConnectedMs: sinceMs - hourMs, lastError: error })

describe('an agent', () => {
  test('is Created until it was connected once, whatever is wrong', () => {
    expect(standingOf(on, [], nowMs)).toMatchObject({ state: 'created', isServed: false })
    const standing = standingOf(on, [told({ state: 'error', sinceMs: 0, lastError: error })], nowMs)
    expect(standing).toMatchObject({ state: 'created', cause: { code: error.code } })
  })

  test('is Connected while a sender says so', () => {
    expect(standingOf(on, [told({ target: 'siem:514' })], nowMs)).toMatchObject({
      state: 'connected',
      stateSinceMs: nowMs - hourMs,
      lastConnectionMs: nowMs,
      target: 'siem:514',
    })
  })

  test.each([
    ['exactly 2 hours', 2 * hourMs, 'connected'],
    ['more than 2 hours', 2 * hourMs + 1, 'connection-error'],
    ['exactly 12 hours', 12 * hourMs, 'connection-error'],
    ['more than 12 hours', 12 * hourMs + 1, 'disconnected'],
  ])('that is down for %s', (_, downMs, state) => {
    expect(standingOf(on, [failing(nowMs - downMs)], nowMs)).toMatchObject({ state, cause: { code: error.code } })
  })

  test('whose sender fell silent was connected until its last heartbeat', () => {
    const silent = told({ heartbeatMs: nowMs - 13 * hourMs })
    expect(standingOf(on, [silent], nowMs)).toMatchObject({
      state: 'disconnected',
      isServed: false,
      lastConnectionMs: nowMs - 13 * hourMs,
      stateSinceMs: nowMs - hourMs,
    })
  })

  test('that a new process cannot connect is down since the old one was connected', () => {
    const old = told({ instance: 'old', heartbeatMs: nowMs - 3 * hourMs })
    const fresh = told({ instance: 'new', state: 'error', sinceMs: nowMs - 60_000, lastError: error })
    expect(standingOf(on, [old, fresh], nowMs)).toMatchObject({ state: 'connection-error', isServed: true })
  })

  test('is served by the one that works, not by those that stand by', () => {
    const standing = standingOf(on, [told({ active: false, instance: 'two' }), told({ host: 'hk-1' })], nowMs)
    expect(standing.instances).toEqual([
      { instance: 'two', active: false, heartbeatMs: nowMs },
      { instance: 'one', host: 'hk-1', active: true, heartbeatMs: nowMs },
    ])
  })

  test('is Disabled whatever its senders told', () =>
    expect(standingOf({ enabled: false }, [told({})], nowMs)).toMatchObject({ state: 'disabled' }))
})

test('what is no status is nothing', () => {
  expect(decodeStatus(Buffer.from('{'))).toBeUndefined()
  expect(decodeStatus(Buffer.from('[]'))).toBeUndefined()
  expect(decodeStatus(Buffer.from(JSON.stringify({ ...told({}), more: 1 })))).toMatchObject({ agent: 'soc', more: 1 })
})
