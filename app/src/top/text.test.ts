import { describe, expect, test } from 'vitest'
import { readCounters } from './counters.ts'
import { topLines } from './text.ts'
import type { AgentView, SourceRow, StageView, TopView } from './view.ts'

const stage = (changes: Partial<StageView> = {}): StageView => ({
  stage: 'format',
  pending: 0,
  oldestSeconds: undefined,
  inPerSecond: 0,
  outPerSecond: 0,
  bytesPerSecond: undefined,
  deadLettered: undefined,
  catchUpSeconds: 0,
  ...changes,
})
const agent = (id: string, changes: Partial<StageView> = {}): AgentView => ({
  agent: id,
  enabled: true,
  stages: [stage(changes), stage({ ...changes, stage: 'deliver' })],
})
const source = (id: string, changes: Partial<SourceRow> = {}): SourceRow => ({
  id,
  tenant: id,
  state: 'collecting',
  behindSeconds: 4,
  backlog: 0,
  recordsPerSecond: 1.25,
  error: undefined,
  ...changes,
})
const view = (sources: readonly SourceRow[], agents: readonly AgentView[]): TopView => ({
  atMs: 0,
  windowSeconds: 2,
  sources,
  agents,
})
const texts = (shown: TopView, rowsMax = 100): readonly string[] => topLines(shown, rowsMax).map(({ text }) => text)

describe('the page of siem-relay top', () => {
  test('has a row for each source and two for each agent', () =>
    expect(
      texts(
        view(
          [source('contoso')],
          [
            {
              agent: 'soc',
              enabled: true,
              stages: [
                stage({
                  pending: 12,
                  oldestSeconds: 3.9,
                  inPerSecond: 10,
                  outPerSecond: 12,
                  deadLettered: 1,
                  catchUpSeconds: 6,
                }),
                stage({
                  stage: 'deliver',
                  pending: 120,
                  inPerSecond: 9,
                  bytesPerSecond: 12_345,
                  catchUpSeconds: undefined,
                }),
              ],
            },
          ],
        ),
      ),
    ).toEqual([
      'source   state       in/s  behind  backlog  error',
      'contoso  collecting  1.3   4 s     0',
      '',
      'agent  stage    pending  oldest  in/s  out/s  bytes/s  dead  done in',
      'soc    format   12       3 s     10.0  12.0   -        1     6 s',
      '       deliver  120      -       9.0   0.0    12.3k    -     never',
    ]))

  test('is no wider than 80 columns and steers no terminal, whatever the numbers and names', () => {
    const huge = { pending: 9e14, inPerSecond: 9e14, outPerSecond: 9e14, bytesPerSecond: 9e14, deadLettered: 9e14 }
    const wild = view(
      [
        source(`x${'y'.repeat(80)}`, {
          tenant: 'z'.repeat(60),
          state: '\u001b[31mbad',
          error: 'E'.repeat(90),
          backlog: 9e14,
        }),
      ],
      [agent('a'.repeat(64), { ...huge, oldestSeconds: 9e14, catchUpSeconds: 9e14 })],
    )
    for (const text of texts(wild)) {
      expect(text.length).toBeLessThanOrEqual(80)
      expect(text).not.toContain('\u001b')
    }
  })

  test('fits the terminal: trouble and the most pending first, the rest counted', () => {
    const sources = Array.from({ length: 30 }, (_, n) =>
      source(`s${n}`, n === 29 ? { error: 'RELAY_SOURCE_AUTH' } : {}),
    )
    const agents = Array.from({ length: 40 }, (_, n) => agent(`a${n}`, { pending: n }))
    const lines = topLines(view(sources, agents), 22)
    expect(lines.length).toBeLessThanOrEqual(22)
    expect(lines[1]).toMatchObject({ text: expect.stringMatching(/^s29 .*RELAY_SOURCE_AUTH/), mark: 'trouble' })
    expect(lines.map(({ text }) => text).join(' ')).toMatch(/and \d+ more sources.* a39 .*and \d+ more agents/)
  })

  test('says so when there is nothing', () => expect(texts(view([], []))).toEqual(['no sources', '', 'no agents']))
})

describe('counters', () => {
  const counters = readCounters(
    '# HELP x y\n# TYPE x counter\nx{agent="soc",code="a"} 3\nx{agent="soc",code="b"} 4\nx{agent="other",code="a"} 9\ny 2\nbroken{\n',
  )
  test('are summed over the labels not asked about', () => {
    expect(counters.sum('x', { agent: 'soc' })).toBe(7)
    expect(counters.sum('x', { agent: 'soc', code: 'b' })).toBe(4)
    expect(counters.sum('y', {})).toBe(2)
  })
  test('are undefined where there are none', () => {
    expect(counters.sum('x', { agent: 'nobody' })).toBeUndefined()
    expect(counters.sum('broken', {})).toBeUndefined()
  })
})
