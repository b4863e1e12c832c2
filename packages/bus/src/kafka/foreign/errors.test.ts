import { RelayError } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { toSourceError } from './errors.ts'

const where = { brokers: ['hub.example:9093'], topics: ['xdr'], group: '$Default' }
const named = (name: string, message: string, more: object = {}): Error =>
  Object.assign(new Error(message), { name, ...more })

describe('toSourceError', () => {
  test.each([
    [
      'refused credentials',
      named('KafkaJSSASLAuthenticationError', 'SASL PLAIN failed'),
      'RELAY_SOURCE_AUTH',
      /sasl\.username/,
    ],
    [
      'missing rights, under retries',
      named('KafkaJSNumberOfRetriesExceeded', 'x', {
        cause: named('KafkaJSProtocolError', 'x', { type: 'TOPIC_AUTHORIZATION_FAILED' }),
      }),
      'RELAY_SOURCE_AUTH',
      /\$Default read xdr/,
    ],
    [
      'an unknown topic',
      named('KafkaJSProtocolError', 'x', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }),
      'RELAY_SOURCE_REQUEST',
      /xdr/,
    ],
    [
      'a codec that is not there',
      named('KafkaJSNotImplemented', 'Snappy compression not implemented'),
      'RELAY_SOURCE_REQUEST',
      /gzip/,
    ],
    [
      'no coordinator',
      named('KafkaJSGroupCoordinatorNotFound', 'Failed to find group coordinator'),
      'RELAY_SOURCE_UNAVAILABLE',
      /may not read with this group/,
    ],
    [
      'a certificate',
      named('KafkaJSConnectionError', 'self-signed certificate in chain'),
      'RELAY_SOURCE_UNAVAILABLE',
      /tls\.caFile/,
    ],
    [
      'no broker',
      named('KafkaJSConnectionError', 'connect ECONNREFUSED'),
      'RELAY_SOURCE_UNAVAILABLE',
      /hub\.example:9093/,
    ],
  ])('%s is told with its next move', (_, error, code, message) =>
    expect(toSourceError(error, where)).toMatchObject({ code, message: expect.stringMatching(message), cause: error }),
  )

  test('what the reader itself threw stays what it was', () => {
    const own = new RelayError('RELAY_BUS_FENCED', 'another instance')
    expect(toSourceError(own, where)).toBe(own)
    const other = new TypeError('x')
    expect(toSourceError(other, where)).toBe(other)
    expect(toSourceError(undefined, where)).toBeUndefined()
  })
})
