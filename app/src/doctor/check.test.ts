import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { type Check, examine, type FindingStatus, isWell } from './check.ts'
import { reportText } from './report.ts'

const giving = (name: string, status: FindingStatus, needs: readonly string[] = []): Check => ({
  name,
  needs,
  run: async () => ({ status, seen: `${name} seen` }),
})

describe('examine', () => {
  test('skips what a failed or skipped check would have to be well for, and goes on with the rest', async () => {
    const { findings } = await examine({
      name: 'x',
      checks: [
        giving('a', 'failed'),
        giving('b', 'ok', ['a']),
        giving('c', 'ok', ['b']),
        giving('d', 'warning'),
        giving('e', 'ok', ['d']),
      ],
    })
    expect(findings.map(({ check, status, seen }) => `${check} ${status} ${seen}`)).toEqual([
      'a failed a seen',
      'b skipped not without: a',
      'c skipped not without: b',
      'd warning d seen',
      'e ok e seen',
    ])
  })

  test('a check that throws has failed, with the next move of its error', async () => {
    const broken = (error: unknown): Check => ({ name: 'broken', run: () => Promise.reject(error) })
    const { findings } = await examine({
      name: 'x',
      checks: [broken(new RelayError('RELAY_SENTINEL_TOKEN', 'no token')), broken(new TypeError('a mistake'))],
    })
    expect(findings).toMatchObject([
      { status: 'failed', seen: 'no token', fix: expect.stringContaining('sentinel.auth') },
      { status: 'failed', seen: 'a mistake', fix: expect.stringContaining('Report this') },
    ])
  })

  test('only a failure makes it unwell', async () => {
    const of = async (status: FindingStatus) => isWell([await examine({ name: 'x', checks: [giving('a', status)] })])
    expect([await of('ok'), await of('warning'), await of('skipped'), await of('failed')]).toEqual([
      true,
      true,
      true,
      false,
    ])
  })
})

describe('reportText', () => {
  test('counts, names the next move below, and keeps lines short and tame', () => {
    const seen = `\u001b[31m ${'a long word after the other '.repeat(8)}`
    const text = reportText([
      {
        subject: 'agent soc',
        findings: [
          { check: 'settings', status: 'ok', seen: 'fine' },
          { check: 'a token', status: 'failed', seen, fix: 'Do this.' },
        ],
      },
    ])
    expect(text.split('\n').slice(0, 2)).toEqual(['agent soc: 1 failed, 1 ok', '  settings  ok       fine'])
    expect(text).toContain('  a token   FAILED   \ufffd[31m a long')
    expect(text).toContain(`\n${' '.repeat(21)}→ Do this.\n`)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(text).not.toContain('\u001b')
  })
})
