import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { type SourceConfig, sourcesSchema } from './config.ts'
import { openGates } from './tenant.ts'

const auth = { type: 'token', token: 'A'.repeat(64) }
const defender = { type: 'defender-for-cloud-apps', url: 'https://contoso.us2.portal.cloudappsecurity.com', auth }
const streaming = { id: 'xdr', type: 'defender-streaming', brokers: ['hub.example:9093'], topics: ['xdr'] }

const sources = (...list: readonly object[]): readonly SourceConfig[] => sourcesSchema.parse(list)
const remainingOf = (list: readonly SourceConfig[]) => {
  const gates = openGates(list, { clock: new FakeClock(), random: () => 0.5 })
  return { 'cloud-apps': gates['cloud-apps'].remaining, graph: gates.graph.remaining }
}

describe('the gates of a tenant', () => {
  test('allow what Microsoft documents, each API by itself', () => {
    expect(remainingOf([])).toEqual({ 'cloud-apps': 30, graph: 150 })
    expect(remainingOf(sources({ id: 'contoso', ...defender }, streaming))).toEqual({ 'cloud-apps': 30, graph: 150 })
  })

  test('allow the least that a source of their API says, whatever sources of another say', () => {
    const two = sources(
      { id: 'one', ...defender, requestsPerMinute: 20 },
      { id: 'two', ...defender, requestsPerMinute: 10 },
      streaming,
    )
    expect(remainingOf(two)).toEqual({ 'cloud-apps': 10, graph: 150 })
  })
})
