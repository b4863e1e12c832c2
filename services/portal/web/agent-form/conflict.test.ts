import { describe, expect, test } from 'vitest'
import { differences, isMineByDefault, merge } from './conflict.ts'

const base = { name: 'SOC', syslog: { host: 'a', port: 514 }, alerts: { filter: { severity: { eq: [2] } } } }
const mine = { ...base, name: 'SOC Munich', syslog: { host: 'b', port: 514 } }
const theirs = { ...base, syslog: { host: 'c', port: 6514 }, alerts: { filter: { severity: { eq: [1, 2] } } } }

describe('differences', () => {
  test('names each setting that differs, and whether both changed it', () => {
    expect(differences(base, mine, theirs).map(({ path, isContested }) => [path.join('.'), isContested])).toEqual([
      ['name', false],
      ['syslog.host', true],
      ['syslog.port', false],
      ['alerts.filter', false],
    ])
  })

  test('is empty where both made the same change', () =>
    expect(differences(base, mine, structuredClone(mine))).toEqual([]))
})

test('merge keeps what either of them changed, and mine where both did', () => {
  expect(merge(theirs, differences(base, mine, theirs), isMineByDefault)).toEqual({
    name: 'SOC Munich',
    syslog: { host: 'b', port: 6514 },
    alerts: { filter: { severity: { eq: [1, 2] } } },
  })
})
