import { describe, expect, test } from 'vitest'
import { heard, type Sighting, silentMs, statusOf } from './status.ts'

const nowMs = Date.UTC(2026, 10, 30, 12)
const remote = { instance: 'i', host: 'siem-host', version: '1', askedMs: nowMs - 1_000 }
const said = {
  state: 'connected',
  sinceMs: nowMs - 50_000,
  lastConnectedMs: nowMs - 50_000,
  target: 'siem:514',
  lastError: undefined,
} as const

function sighting(more: Partial<Sighting>): Sighting {
  return {
    agent: 'siem',
    instance: 'relay-1',
    nowMs,
    watchedMs: nowMs - 3_600_000,
    knownMs: undefined,
    remote: undefined,
    said: undefined,
    ...more,
  }
}

describe('statusOf', () => {
  test('one that was never there is created, however long ago that was', () => {
    expect(statusOf(sighting({}))).toMatchObject({ state: 'created', lastError: undefined, remote: undefined })
  })

  test('while it asks, it is as it says', () => {
    expect(statusOf(sighting({ remote, said }))).toMatchObject({ state: 'connected', target: 'siem:514', remote })
  })

  test('once it does not ask any more, that is the trouble, since it last did', () => {
    const askedMs = nowMs - silentMs - 1
    const status = statusOf(sighting({ remote: { ...remote, askedMs }, said }))
    expect(status).toMatchObject({
      state: 'error',
      sinceMs: askedMs,
      lastConnectedMs: said.lastConnectedMs,
      lastError: { code: 'RELAY_AGENT_SILENT', atMs: askedMs },
    })
    expect(status.lastError?.message).toBe(
      `the SIEM agent has not asked for messages since ${new Date(askedMs).toISOString()} (it ran on siem-host)`,
    )
  })

  test('a restart of the relay gives it a minute; then one that was connected before is missing', () => {
    const knownMs = nowMs - 86_400_000
    expect(statusOf(sighting({ knownMs, watchedMs: nowMs - silentMs })).state).toBe('created')
    expect(statusOf(sighting({ knownMs, watchedMs: nowMs - silentMs - 1 }))).toMatchObject({
      state: 'error',
      lastConnectedMs: knownMs,
      lastError: { code: 'RELAY_AGENT_SILENT' },
    })
  })
})

describe('heard', () => {
  test('times are moved to this clock, and never lie ahead of it', () => {
    const theirs = 1_000_000
    expect(
      heard({ nowMs: theirs, state: 'connected', sinceMs: theirs - 5_000, lastConnectedMs: theirs + 60_000 }, nowMs),
    ).toMatchObject({ sinceMs: nowMs - 5_000, lastConnectedMs: nowMs })
  })

  test('a code of the relay keeps its own next move; any other is trouble of the agent', () => {
    const errorOf = (code: string) =>
      heard({ nowMs: 0, state: 'error', sinceMs: 0, lastError: { code, message: 'm', atMs: 0 } }, nowMs).lastError
    expect(errorOf('RELAY_RECEIVER_CLOSED')).toMatchObject({ code: 'RELAY_RECEIVER_CLOSED' })
    expect(errorOf('RELAY_OF_TOMORROW')).toMatchObject({ code: 'RELAY_AGENT_TROUBLE' })
    expect(errorOf('toString')).toMatchObject({ code: 'RELAY_AGENT_TROUBLE' })
  })
})
