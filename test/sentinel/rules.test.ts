/** Analytics rules: what an incident is made of, and what Azure lets one run do. */
import { describe, expect, test } from 'vitest'
import { wholeQuery } from '../../scripts/sentinel/content.ts'
import { resultColumns } from '../../scripts/sentinel/rules.ts'
import { deploy } from '../support/arm.ts'
import { content, everything, template } from '../support/sentinel.ts'
import { kusto } from '../support/sentinel-queries.ts'

describe('analytics rules', () => {
  test('return every column that entities, details and titles are made of', () => {
    const named = resultColumns()
    expect(named).toEqual(expect.arrayContaining(['AccountName', 'SystemAlertId', 'AlertName', 'AlertSeverity']))
    for (const rule of content.rules)
      expect(kusto.columnsOf(wholeQuery(rule))).toEqual(expect.arrayContaining([...named]))
  })

  test('raise at most what one run may: 149 single alerts before the 150th becomes a summary', () => {
    for (const { query } of content.rules) expect(Number(/\| top (\d+) by/.exec(query)?.[1])).toBeLessThan(150)
  })

  test('look back less than two days when they run more often than hourly, and never more than 14', () => {
    const hours = (duration: string): number =>
      Number.parseInt(duration, 10) * { m: 1 / 60, h: 1, d: 24 }[duration.at(-1) as 'm' | 'h' | 'd']
    for (const { frequency, period } of content.rules) {
      expect(hours(period)).toBeLessThanOrEqual(14 * 24)
      if (hours(frequency) < 1) expect(hours(period)).toBeLessThan(48)
    }
  })

  test('shards share out alerts by their id: each number once, of as many as there are', () => {
    const shards = deploy(template, everything).resources.flatMap(({ properties }) => {
      const match = /hash\(SystemAlertId, (\d+)\) == (\d+)/.exec(String(properties.query))
      return match === null ? [] : [`${match[2]} of ${match[1]}: ${String(properties.displayName)}`]
    })
    expect(shards).toEqual([
      ...[0, 1, 2, 3].map(
        (shard) => `${shard} of 4: Alerts of Defender for Cloud Apps from siem-relay (${shard + 1} of 4)`,
      ),
      '0 of 1: Late and replayed alerts of Defender for Cloud Apps from siem-relay',
    ])
  })
})
