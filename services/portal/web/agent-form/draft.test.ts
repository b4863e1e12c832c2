import { describe, expect, test } from 'vitest'
import {
  definitionOf,
  isSame,
  isSent,
  newSentinelDraft,
  newSyslogDraft,
  previewableOf,
  valueAt,
  withValue,
} from './draft.ts'

describe('withValue', () => {
  test('changes one place of a copy and leaves settings it does not know', () => {
    const draft = { name: 'a', syslog: { host: 'h', stallTimeoutMs: 5 }, other: [1] }
    expect(withValue(draft, ['syslog', 'host'], 'i')).toEqual({ ...draft, syslog: { host: 'i', stallTimeoutMs: 5 } })
    expect(draft.syslog.host).toBe('h')
  })

  test('makes what is missing on the way, and takes a setting out with undefined', () => {
    expect(withValue({}, ['syslog', 'tls', 'ca'], 'pem')).toEqual({ syslog: { tls: { ca: 'pem' } } })
    expect(withValue({ a: { b: 1, c: 2 } }, ['a', 'b'], undefined)).toEqual({ a: { c: 2 } })
  })
})

test('valueAt reads a path, and undefined beyond its end', () => {
  expect(valueAt({ a: [{ b: 1 }] }, ['a', 0, 'b'])).toBe(1)
  expect(valueAt({ a: 'text' }, ['a', 'b', 'c'])).toBeUndefined()
})

test('isSent follows the destination where the draft is silent: discovery to Sentinel, activities to syslog', () => {
  expect(['alerts', 'activities', 'discovery'].map((type) => isSent({ syslog: {} }, type as 'alerts'))).toEqual([
    true,
    true,
    false,
  ])
  expect(['alerts', 'activities', 'discovery'].map((type) => isSent({ sentinel: {} }, type as 'alerts'))).toEqual([
    true,
    false,
    true,
  ])
  expect(isSent(newSentinelDraft, 'alerts')).toBe(true)
})

describe('previewableOf', () => {
  test('puts something in place of a destination that is not filled in', () => {
    expect(previewableOf(newSyslogDraft).syslog).toEqual({ host: 'siem.example.com', port: 514, protocol: 'tcp' })
    expect(previewableOf(newSentinelDraft).sentinel).toMatchObject({ auth: { type: 'managed-identity' } })
  })

  test('leaves a destination that is filled in', () => {
    expect(previewableOf({ syslog: { host: 'a', port: 1 } })).toEqual({ syslog: { host: 'a', port: 1 } })
  })
})

describe('definitionOf', () => {
  test('makes a list of several hosts', () => {
    expect(definitionOf(withValue(newSyslogDraft, ['syslog', 'host'], 'a, b:1514')).syslog).toMatchObject({
      host: ['a', 'b:1514'],
    })
    expect(definitionOf(withValue(newSyslogDraft, ['syslog', 'host'], ' a ')).syslog).toMatchObject({ host: 'a' })
  })

  test('leaves out a name that is empty', () => expect('name' in definitionOf(newSyslogDraft)).toBe(false))
})

test('isSame does not mind the order of settings', () => {
  expect(isSame({ a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 })).toBe(true)
  expect(isSame({ a: [1, 2] }, { a: [2, 1] })).toBe(false)
})
