import { describe, expect, test } from 'vitest'
import { confirmOf, messageBytesMaxOf, syslogSchema, tlsSettingsOf, windowMessagesMaxOf } from './settings.ts'

describe('what is in force where nothing is set', () => {
  const destinationOf = (over: object) => syslogSchema.parse({ host: 'siem.contoso.com', port: 514, ...over })

  test('checkpoint confirms, and a RELP window has 128 messages, as in librelp', () => {
    expect(confirmOf(destinationOf({}))).toBe('checkpoint')
    expect(windowMessagesMaxOf(destinationOf({ protocol: 'relp' }))).toBe(128)
  })

  test.each([
    ['udp', 2_048],
    ['tcp', 8_192],
    ['tls', 8_192],
    ['relp', 8_096],
  ])('a message on %s has at most %i bytes', (protocol, bytes) =>
    expect(messageBytesMaxOf(destinationOf({ protocol }))).toBe(bytes),
  )

  test('tls is verified TLS 1.2 without settings; relp is plain without, and TLS with them', () => {
    expect(tlsSettingsOf(destinationOf({ protocol: 'tls' }))).toEqual({ minVersion: 'TLSv1.2', verify: true })
    expect(tlsSettingsOf(destinationOf({ protocol: 'relp' }))).toBeUndefined()
    expect(tlsSettingsOf(destinationOf({ protocol: 'relp', tls: {} }))).toEqual({ minVersion: 'TLSv1.2', verify: true })
  })
})
