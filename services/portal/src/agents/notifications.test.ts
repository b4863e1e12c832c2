import { type AgentDefinition, agentSchema, type StoredAgent } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { notificationsOf } from './notifications.ts'
import type { Standing } from './status.ts'

const hourMs = 3_600_000
const nowMs = 100 * hourMs
const connected: Standing = { state: 'connected', instances: [], isServed: true }
const agentOf = (more: object = {}): AgentDefinition =>
  agentSchema.parse({ id: 'soc', syslog: { host: 'siem.contoso.com', port: 514 }, ...more })
const token = { id: 'a', hash: 'f'.repeat(64), owner: 'ada', createdMs: 1 }
const storedWith = (more: Partial<StoredAgent> = {}): StoredAgent => ({
  version: 1,
  revision: 1,
  definition: {},
  createdBy: 'ada',
  createdMs: 0,
  updatedBy: 'ada',
  updatedMs: 0,
  ...more,
})
const cause = (code: string) => ({ code, message: 'what was seen', nextMove: 'do this', atMs: nowMs })

function kindsOf(agent: AgentDefinition, standing: Standing, more: object = {}): readonly string[] {
  const input = { agent, stored: undefined, standing, hasOwner: () => true, hasTwins: true, bornMs: 0, nowMs, ...more }
  const notifications = notificationsOf(input)
  for (const { fix } of notifications) expect(fix).not.toBe('')
  return notifications.map(({ kind }) => kind)
}

describe('an agent tells of', () => {
  test('nothing while all is well', () => expect(kindsOf(agentOf(), connected)).toEqual([]))

  test.each([
    ['RELAY_RECEIVER_UNREACHABLE', 'data-server-connection-error'],
    ['RELAY_RECEIVER_TLS', 'data-server-connection-error'],
    ['RELAY_SENTINEL_TOKEN', 'data-server-connection-error'],
    ['RELAY_RECEIVER_CLOSED', 'data-server-send-error'],
    ['RELAY_RECEIVER_UNCONFIRMED', 'data-server-send-error'],
  ])('%s at once, whatever its status', (code, kind) =>
    expect(kindsOf(agentOf(), { ...connected, cause: cause(code) })).toEqual([kind]),
  )

  test('hours without a connection', () => {
    const down = { ...connected, state: 'connection-error' as const, downMs: 3 * hourMs }
    expect(kindsOf(agentOf(), down)).toEqual(['siem-agent-error'])
  })

  test('a service that does not run, once it had time to start', () => {
    const unserved = { ...connected, isServed: false }
    expect(kindsOf(agentOf(), unserved)).toEqual(['internal-error'])
    expect(kindsOf(agentOf(), unserved, { bornMs: nowMs - 60_000 })).toEqual([])
    expect(kindsOf(agentOf({ enabled: false }), unserved)).toEqual([])
  })

  test('what is missing for one in another network', () => {
    const remote = agentOf({ remote: true })
    const away: Standing = { state: 'created', instances: [], isServed: false }
    expect(kindsOf(remote, away, { stored: storedWith() })).toEqual(['token-missing'])
    expect(kindsOf(remote, away, { stored: storedWith({ token }) })).toEqual(['siem-agent-error'])
    expect(kindsOf(remote, connected, { stored: storedWith({ token }), hasOwner: () => false })).toEqual([
      'token-owner-removed',
    ])
  })

  test('settings that are allowed and dangerous', () => {
    const open = agentOf({ syslog: { host: 'h', port: 6514, protocol: 'tls', tls: { verify: false } } })
    expect(kindsOf(open, connected)).toEqual(['tls-not-verified'])
    const twice = agentOf({ dedup: { policy: 'off' } })
    expect(kindsOf(twice, connected)).toEqual(['twins-not-merged'])
    expect(kindsOf(twice, connected, { hasTwins: false })).toEqual([])
  })
})
