import { describe, expect, test } from 'vitest'
import { decodeStoredAgent, encodeStoredAgent, type StoredAgent } from './stored-agent.ts'

const stored: StoredAgent = {
  version: 1,
  revision: 3,
  definition: { id: 'soc', name: 'SOC', syslog: { host: 'siem.contoso.com', port: 514 } },
  createdBy: 'ada',
  createdMs: 1,
  updatedBy: 'vic',
  updatedMs: 2,
  token: { id: 'a1b2', hash: 'f'.repeat(64), owner: 'ada', createdMs: 1 },
}
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('an agent of the topic', () => {
  test('comes back as it was written, its definition with today’s defaults', () => {
    const decoded = decodeStoredAgent('soc', encodeStoredAgent(stored))
    expect(decoded).toMatchObject({ id: 'soc', stored, agent: { id: 'soc', enabled: true, format: 'generic' } })
  })

  test.each([
    ['no JSON', Buffer.from('{'), /not JSON/],
    ['a later form', json({ ...stored, version: 2 }), /another form/],
    [
      'a definition with a setting of a later version',
      json({ ...stored, definition: { ...stored.definition, quantum: 1 } }),
      /quantum/,
    ],
    [
      'a definition of another agent',
      json({ ...stored, definition: { ...stored.definition, id: 'other' } }),
      /key is not/,
    ],
    ['a list', json([]), /another form/],
  ])('%s is told of, not thrown', (_, value, problem) => {
    const decoded = decodeStoredAgent('soc', value)
    expect('problem' in decoded && decoded.problem).toMatch(problem)
  })

  test('what only this version cannot read keeps its revision', () => {
    const decoded = decodeStoredAgent('soc', json({ ...stored, definition: { ...stored.definition, quantum: 1 } }))
    expect(decoded.stored?.revision).toBe(3)
  })
})
