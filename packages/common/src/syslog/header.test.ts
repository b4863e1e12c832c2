import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createHeader, headerBytesMax } from './header.ts'
import { encodePriority, sanitizeAppName, sanitizeHostName, severityOfCef } from './rfc5424.ts'
import { type HeaderSettings, headerSchema } from './settings.ts'
import { createTimestamp } from './timestamp.ts'

const settings = (over: Partial<HeaderSettings> = {}): HeaderSettings => ({ ...headerSchema.parse({}), ...over })
const eventMs = Date.parse('2023-03-02T21:10:02.022Z')
const nowMs = (): number => Date.parse('2026-01-02T03:04:05.006Z')
const header = (over: Partial<HeaderSettings>, host = 'LAB-EUW-ARCTEST'): string =>
  createHeader(settings(over), host, { nowMs })(eventMs, 0)

describe('the SIEM agent header', () => {
  test('has PRI, time and system name by default: local4 (20 × 8) + info (6)', () =>
    expect(header({})).toBe('<166>2023-03-02T21:10:02.022Z LAB-EUW-ARCTEST '))

  test.each([
    ['rfc5424', '2023-03-02T21:10:02.022Z '],
    ['rfc3164-year', 'Mar 02 2023 21:10:02 '],
    ['rfc3164', 'Mar 02 21:10:02 '],
  ] as const)('writes the wizard form %s', (time, expected) =>
    expect(header({ time, pri: false, systemName: false })).toBe(expected),
  )

  test('takes a configured system name over the machine name', () =>
    expect(header({ systemName: 'relay-1' })).toBe('<166>2023-03-02T21:10:02.022Z relay-1 '))

  test('never leaves the host empty: the next word would be taken for it', () =>
    expect(header({}, '  ')).toBe('<166>2023-03-02T21:10:02.022Z localhost '))

  test('writes the time of sending when the event has none, or one outside four-digit years', () => {
    const encode = createHeader(settings({ pri: false, systemName: false }), 'h', { nowMs })
    for (const time of [undefined, Number.NaN, Number.POSITIVE_INFINITY, 8.64e15, -8.64e15, -62_167_219_200_001])
      expect(encode(time, 0)).toBe('2026-01-02T03:04:05.006Z ')
    expect(encode(-62_167_219_200_000, 0)).toBe('0000-01-01T00:00:00.000Z ')
    expect(encode(253_402_300_799_999, 0)).toBe('9999-12-31T23:59:59.999Z ')
  })

  test('maps the CEF severity to PRI: 0–3 info, 4–6 notice, 7–8 error, 9–10 critical', () => {
    const encode = createHeader(settings({ systemName: false }), 'h', { nowMs })
    const priorities = [0, 3, 4, 6, 7, 8, 9, 10].map((severity) => encode(eventMs, severity).slice(0, 5))
    expect(priorities).toEqual(['<166>', '<166>', '<165>', '<165>', '<163>', '<163>', '<162>', '<162>'])
    expect([Number.NaN, -1, 99, 3.7].map((severity) => encode(eventMs, severity).slice(0, 5))).toEqual([
      '<166>',
      '<166>',
      '<162>',
      '<166>',
    ])
  })

  test('keeps a fixed severity: local4.warning is 164, as in the forwarder documentation', () =>
    expect(header({ severity: 4, systemName: false })).toBe('<164>2023-03-02T21:10:02.022Z '))
})

describe('the RFC 5424 header', () => {
  const encode = (over: Partial<HeaderSettings>, host: string, appName?: string): string =>
    createHeader(settings({ format: 'rfc5424', ...over }), host, { nowMs, ...(appName && { appName }) })(eventMs, 10)

  test('is PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD (§6), without BOM', () =>
    expect(encode({}, 'relay.example')).toBe('<162>1 2023-03-02T21:10:02.022Z relay.example MCAS - - - '))

  test('has PRI and an RFC 5424 time whatever the other settings say', () =>
    expect(encode({ pri: false, time: 'rfc3164' }, 'h')).toBe('<162>1 2023-03-02T21:10:02.022Z h MCAS - - - '))

  test('writes NILVALUE for an absent host or app name', () => {
    expect(encode({ systemName: false }, 'h')).toContain('Z - MCAS ')
    expect(encode({}, '')).toContain('Z - MCAS ')
    expect(encode({}, 'h', ' ')).toContain('Z h - - - - ')
  })
})

describe('header fields', () => {
  test('a host keeps letters, digits, dot, colon and hyphen, at most 255', () => {
    expect(sanitizeHostName('contoso / SOC@eu_1', '-')).toBe('contoso---SOC-eu-1')
    expect(sanitizeHostName('2001:db8::1', '-')).toBe('2001:db8::1')
    expect(sanitizeHostName('münchen', '-')).toBe('m-nchen')
    expect(sanitizeHostName('a'.repeat(300), '-')).toHaveLength(255)
  })

  test('an app name is printable ASCII without space, at most 48', () => {
    expect(sanitizeAppName('My Vendor™')).toBe('My-Vendor-')
    expect(sanitizeAppName('v'.repeat(60))).toHaveLength(48)
  })

  test('PRI stays within 0 to 191 without leading zeros', () => {
    expect(encodePriority(0, 0)).toBe('<0>')
    expect(encodePriority(1, 6)).toBe('<14>')
    expect(encodePriority(23, 7)).toBe('<191>')
    expect(encodePriority(99, 99)).toBe('<191>')
    expect(encodePriority(-1, Number.NaN)).toBe('<0>')
    expect(severityOfCef(Number.NaN)).toBe(6)
  })
})

test('headers are one line of ASCII, at most headerBytesMax long, for any names, times and severities', () => {
  const anySettings = fc.record({
    format: fc.constantFrom('siem-agent' as const, 'rfc5424' as const),
    time: fc.constantFrom('rfc5424' as const, 'rfc3164-year' as const, 'rfc3164' as const),
    pri: fc.boolean(),
    systemName: fc.oneof(fc.boolean(), fc.string({ minLength: 1, unit: 'binary' })),
    facility: fc.nat(23),
    severity: fc.oneof(fc.nat(7), fc.constant('from-event' as const)),
  })
  const anyTime = fc.option(fc.double(), { nil: undefined })
  fc.assert(
    fc.property(anySettings, fc.string({ unit: 'binary' }), anyTime, fc.double(), (form, host, time, severity) => {
      const text = createHeader(form, host, { nowMs, appName: host })(time, severity)
      expect(text).toMatch(/^[\x20-\x7e]+ $/)
      expect(text.length).toBeLessThanOrEqual(headerBytesMax(form, host, host))
    }),
  )
})

test('timestamps agree with Date.toISOString for any time in any order', () => {
  const timestamp = createTimestamp('rfc5424')
  const anyTime = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 })
  fc.assert(
    fc.property(anyTime, (timeMs) => {
      expect(timestamp(timeMs)).toBe(new Date(timeMs).toISOString())
    }),
  )
})
