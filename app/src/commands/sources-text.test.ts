import { type SourceReport, type SourceView, viewSources } from '@siem-relay/common'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sourcesText } from './sources-text.ts'

const nowMs = Date.UTC(2026, 0, 15, 12)
const type = 'defender-for-cloud-apps'

const reportOf = (id: string, more: Partial<SourceReport> = {}): SourceReport => ({
  id,
  tenant: id,
  type,
  state: 'collecting',
  streams: [{ kind: 'alerts', state: 'collecting', watermarkMs: nowMs - 130_000 }],
  budgetRemaining: 24,
  instance: '3f0c',
  host: 'relay-1',
  atMs: nowMs - 5_000,
  ...more,
})
const view = (id: string, more: Partial<SourceReport> = {}): readonly SourceView[] =>
  viewSources([{ id, type, tenant: more.tenant }], [reportOf(id, more)], nowMs)
const linesOf = (views: readonly SourceView[]): readonly string[] => sourcesText(views, nowMs).split('\n')

describe('the text of siem-relay sources', () => {
  test('counts, lists and names every trouble with its next move', () => {
    const configured = [
      { id: 'contoso', type },
      { id: 'fabrikam', type },
      { id: 'wingtip', tenant: 'group', type: 'defender-streaming' },
      { id: 'tailspin', type },
      { id: 'adatum', type },
    ]
    const reports = [
      reportOf('contoso'),
      reportOf('fabrikam', {
        state: 'error',
        streams: [{ kind: 'alerts', state: 'error' }],
        lastError: {
          code: 'RELAY_SOURCE_AUTH',
          message:
            'login.microsoftonline.com refused the token request (401): invalid_client: AADSTS7000215: Invalid client secret provided',
          nextMove: "Check the source's credentials and their permissions (Investigation.read, Discovery.read).",
          atMs: nowMs - 62_000,
        },
      }),
      reportOf('wingtip', {
        tenant: 'group',
        type: 'defender-streaming',
        streams: [{ kind: 'alerts', state: 'collecting', watermarkMs: nowMs - 3 * 86_400_000, backlog: 4_000_000 }],
      }),
      reportOf('tailspin', { atMs: nowMs - 600_000 }),
      reportOf('gone'),
    ]
    expect(
      sourcesText(viewSources(configured, reports, nowMs), nowMs),
    ).toBe(`6 sources: 3 collecting, 1 error, 1 stale, 1 unknown

source         type                     state       behind  backlog  budget
contoso        defender-for-cloud-apps  collecting  2 min   -        24
fabrikam       defender-for-cloud-apps  error       -       -        24
group/wingtip  defender-streaming       collecting  3 d     >999999  24
tailspin       defender-for-cloud-apps  stale       2 min   -        24
adatum         defender-for-cloud-apps  unknown     -       -        -
gone           defender-for-cloud-apps  collecting  2 min   -        24

fabrikam: error
  RELAY_SOURCE_AUTH, 1 min 2 s ago: login.microsoftonline.com refused the token
  request (401): invalid_client: AADSTS7000215: Invalid client secret provided
  → Check the source's credentials and their permissions (Investigation.read,
    Discovery.read).

tailspin: stale
  Not reported since 2026-01-15T11:50:00.000Z (10 min 0 s ago), last by relay-1,
  instance 3f0c.
  → Look whether a collector runs there or elsewhere (siem-relay health) and
    reaches the log; what is said of the source here is of then.

adatum: unknown
  No collector has reported it yet.
  → Look whether a collector runs with this configuration (siem-relay health),
    and what its log says.

gone: collecting
  Not in this configuration. It goes when the collector takes up a configuration
  without it.
`)
  })

  test('says when there is none', () => expect(sourcesText([], nowMs)).toBe('no sources\n'))

  test('names every trouble of a source once', () => {
    const error = (message: string, atMs = nowMs) => ({ code: 'RELAY_SOURCE_AUTH', message, nextMove: 'look', atMs })
    const streams = [
      { kind: 'alerts', state: 'error', lastError: error('alerts refused') },
      { kind: 'activities', state: 'error', lastError: error('activities refused') },
    ]
    const text = sourcesText(view('contoso', { state: 'error', lastError: error('alerts refused'), streams }), nowMs)
    expect(text.match(/refused/g)).toEqual(['refused', 'refused'])
  })

  test('names the times of which records may be missing, those that cannot be read again first', () => {
    const gap = (fromMs: number, state: string, reason = 'away') => ({
      fromMs,
      toMs: fromMs + 3_600_000,
      reason,
      state,
    })
    const fromMs = Date.UTC(2026, 0, 14)
    const textOf = (gaps: readonly ReturnType<typeof gap>[]): readonly string[] =>
      linesOf(view('contoso', { streams: [{ kind: 'alerts', state: 'collecting', watermarkMs: nowMs, gaps }] })).slice(
        5,
      )
    expect(textOf([gap(fromMs, 'reading')])).toEqual([
      'contoso: collecting',
      '  May lack alerts of 2026-01-14T00:00:00Z to 2026-01-14T01:00:00Z (away); the',
      '  time is read again.',
      '  → Nothing: it says when the time is whole again.',
      '',
    ])
    const many = Array.from({ length: 7 }, (_, index) => gap(fromMs + index * 7_200_000, 'open'))
    const text = textOf([...many, gap(0, 'unverifiable', 'expired')]).join('\n')
    expect(text).toMatch(/1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z \(expired\); the\s+time cannot be read again/)
    expect(text).toContain('And 3 more such times')
    expect(text).toContain('docs/operating/gaps.md')
  })

  test('a name too long for its column stands above its row, whole', () => {
    const long = 'a-source-of-the-northern-branch'
    expect(linesOf(view(long)).slice(2, 5)).toEqual([
      'source  type                     state       behind  backlog  budget',
      long,
      '        defender-for-cloud-apps  collecting  2 min   -        24',
    ])
    const longest = 'x'.repeat(64)
    expect(linesOf(view(longest, { tenant: 'y'.repeat(64) })).slice(3, 5)).toEqual([`${'y'.repeat(64)}/`, longest])
  })

  test('no line is longer than 80 characters or steers the terminal, whatever a source reports', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    const id = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/)
    const error = fc.record({ code: text, message: text, nextMove: text, atMs: fc.integer() })
    const stream = fc.record({
      kind: text,
      state: text,
      watermarkMs: fc.integer(),
      backlog: fc.nat(),
      lastError: error,
      gaps: fc.array(fc.record({ fromMs: fc.integer(), toMs: fc.double(), reason: text, state: text }), {
        maxLength: 8,
      }),
    })
    const report = fc.record({
      id,
      tenant: id,
      type: text,
      state: text,
      streams: fc.array(stream, { maxLength: 2 }),
      lastError: error,
      budgetRemaining: fc.nat(),
      instance: text,
      host: text,
      atMs: fc.nat({ max: nowMs }),
    })
    fc.assert(
      fc.property(fc.array(report, { maxLength: 4 }), fc.boolean(), (reports, isConfigured) => {
        const lines = linesOf(viewSources(isConfigured ? reports : [], reports, nowMs))
        expect(lines.filter((line) => line.length > 80 || /[\p{Cc}\u202e\u2028]/u.test(line))).toEqual([])
      }),
    )
  })
})
