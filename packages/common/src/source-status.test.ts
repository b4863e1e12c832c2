import { describe, expect, test } from 'vitest'
import {
  decodeSourceReport,
  encodeSourceReport,
  newsOfSource,
  type SourceReport,
  viewSources,
} from './source-status.ts'

const nowMs = Date.UTC(2026, 0, 15, 12)
const report: SourceReport = {
  id: 'contoso',
  tenant: 'contoso',
  type: 'defender-for-cloud-apps',
  state: 'collecting',
  streams: [
    { kind: 'alerts', state: 'collecting', watermarkMs: nowMs - 130_000, backlog: 4, lastError: undefined },
    { kind: 'activities', state: 'collecting', watermarkMs: nowMs - 125_000, backlog: undefined },
  ],
  budgetRemaining: 12,
  instance: 'a1',
  host: 'relay-1',
  atMs: nowMs - 10_000,
}
const trouble = { code: 'RELAY_SOURCE_AUTH', message: 'refused', nextMove: 'look', atMs: nowMs }
const contoso = { id: 'contoso', type: 'defender-for-cloud-apps' }

describe('a report in the topic', () => {
  test('reads back as it was written, with fields that only a newer version knows', () => {
    const newer = {
      ...report,
      lastError: { ...trouble, since: 3 },
      streams: [{ ...report.streams[0], notes: [{ fromMs: 1 }] }],
    }
    expect(decodeSourceReport(encodeSourceReport(newer as SourceReport))).toEqual(JSON.parse(JSON.stringify(newer)))
  })

  test('has a bound, whatever a source has to say', () => {
    const text = 'x'.repeat(100_000)
    const streams = Array.from({ length: 1_000 }, () => ({ kind: 'alerts', state: 'waiting' }))
    const bytes = encodeSourceReport({ ...report, streams, lastError: { message: text, nextMove: text, atMs: 1 } })
    expect(bytes.length).toBeLessThan(10_000)
    expect(decodeSourceReport(bytes)?.lastError?.message).toBe(`${'x'.repeat(999)}…`)
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"id":"contoso"}',
    JSON.stringify({ ...report, streams: 7 }),
    JSON.stringify({ ...report, atMs: -1e300 }),
  ])('%j is none', (text) => expect(decodeSourceReport(Buffer.from(text))).toBeUndefined())
})

describe('news of a source', () => {
  test.each<[string, Partial<SourceReport>]>([
    ['time', { atMs: nowMs }],
    ['a budget', { budgetRemaining: 3 }],
    ['a watermark', { streams: report.streams.map((stream) => ({ ...stream, watermarkMs: nowMs, backlog: 9 })) }],
  ])('%s that moves is none', (_, change) => expect(newsOfSource({ ...report, ...change })).toBe(newsOfSource(report)))

  test('the same error once more is none; another error, a state and a field of a newer version are', () => {
    const failing = { ...report, lastError: trouble }
    expect(newsOfSource({ ...failing, lastError: { ...trouble, atMs: 1 } })).toBe(newsOfSource(failing))
    const others = [
      report,
      failing,
      { ...report, state: 'waiting' },
      { ...failing, lastError: { ...trouble, message: 'refused again' } },
      { ...report, streams: [{ ...report.streams[0], gaps: 1 } as unknown as SourceReport['streams'][0]] },
    ]
    expect(new Set(others.map(newsOfSource)).size).toBe(others.length)
  })
})

describe('the view of sources', () => {
  test('adds up a source that reports: the stream furthest behind, all backlogs', () =>
    expect(viewSources([contoso], [report], nowMs)).toMatchObject([
      { id: 'contoso', state: 'collecting', reported: 'fresh', isConfigured: true, behindSeconds: 130, backlog: 4 },
    ]))

  test('does not say how far behind a source is that has not read all its streams, or what nobody counts', () => {
    const starting = { ...report, streams: [{ kind: 'alerts', state: 'starting' }, ...report.streams.slice(1)] }
    const [view] = viewSources([contoso], [starting], nowMs)
    expect([view?.behindSeconds, view?.backlog]).toEqual([undefined, undefined])
    expect(viewSources([contoso], [{ ...report, streams: [] }], nowMs)[0]?.behindSeconds).toBeUndefined()
  })

  test('is stale two minutes after the last report, and not a moment sooner', () => {
    const at = (ageMs: number) => viewSources([contoso], [{ ...report, atMs: nowMs - ageMs }], nowMs)[0]?.reported
    expect([at(-5_000), at(120_000), at(120_001)]).toEqual(['fresh', 'fresh', 'stale'])
  })

  test('keeps the order of the configuration, names what nobody reports, and what is only reported last', () => {
    const reports = ['zeta', 'contoso', 'alpha'].map((id) => ({ ...report, id }))
    const views = viewSources(
      [{ id: 'fabrikam', tenant: 'group', type: 'defender-streaming' }, contoso],
      reports,
      nowMs,
    )
    expect(
      views.map(({ id, tenant, state, reported, isConfigured }) => [id, tenant, state, reported, isConfigured]),
    ).toEqual([
      ['fabrikam', 'group', 'unknown', 'never', true],
      ['contoso', 'contoso', 'collecting', 'fresh', true],
      ['alpha', 'contoso', 'collecting', 'fresh', false],
      ['zeta', 'contoso', 'collecting', 'fresh', false],
    ])
  })

  test('has the tenant and type of the configuration, and passes on what it does not know', () => {
    const other = { ...report, tenant: 'old', type: 'old', gaps: 3 } as SourceReport
    expect(viewSources([{ ...contoso, tenant: 'new' }], [other], nowMs)).toMatchObject([
      { tenant: 'new', type: 'defender-for-cloud-apps', gaps: 3, instance: 'a1', host: 'relay-1' },
    ])
  })
})
