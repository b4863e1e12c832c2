/** What kafkajs' errors mean to somebody who reads another's log. Total: what is not known is tried again. */
import { describeError, RelayError } from '@siem-relay/common'
import type { ForeignLogOptions } from './foreign-log.ts'

const tlsPattern =
  /certificate|self-signed|altname|before secure TLS connection|SSL routines|unable to (get|verify)|wrong version number|ERR_TLS|ERR_SSL/i
const rightsPattern = /^(TOPIC|GROUP|CLUSTER)_AUTHORIZATION_FAILED$/

export function toSourceError(
  error: unknown,
  { brokers, topics, group }: Pick<ForeignLogOptions, 'brokers' | 'topics' | 'group'>,
): unknown {
  if (error instanceof RelayError) return error
  const causes = causesOf(error)
  const where = brokers.join(', ')
  const some = (test: (name: string, type: string) => boolean): boolean =>
    causes.some(({ name = '', type = '' }) => test(name, type))
  if (!causes.some(({ name = '' }) => name.startsWith('KafkaJS') || name === 'AggregateError')) return error
  if (some((name) => name === 'KafkaJSSASLAuthenticationError'))
    return new RelayError(
      'RELAY_SOURCE_AUTH',
      `${where} refused the credentials: check sasl.username and sasl.password`,
      {
        cause: error,
      },
    )
  if (some((_, type) => rightsPattern.test(type)))
    return new RelayError(
      'RELAY_SOURCE_AUTH',
      `${where} refused to let ${group} read ${topics.join(', ')}: its user needs the right to listen`,
      { cause: error },
    )
  if (some((_, type) => type === 'UNKNOWN_TOPIC_OR_PARTITION'))
    return new RelayError('RELAY_SOURCE_REQUEST', `${where} does not know one of the topics ${topics.join(', ')}`, {
      cause: error,
    })
  if (some((name) => name === 'KafkaJSNotImplemented'))
    return new RelayError(
      'RELAY_SOURCE_REQUEST',
      `a topic of ${topics.join(', ')} holds messages compressed with snappy or lz4; none, gzip and zstd can be read`,
      { cause: error },
    )
  // kafkajs keeps the broker's answer to itself, whatever it was.
  if (some((name) => name === 'KafkaJSGroupCoordinatorNotFound'))
    return new RelayError(
      'RELAY_SOURCE_UNAVAILABLE',
      `${where} gave no coordinator for the consumer group ${group}: it is not ready, or its user may not read with this group`,
      { cause: error },
    )
  const isTls = tlsPattern.test(describeError(error))
  return new RelayError(
    'RELAY_SOURCE_UNAVAILABLE',
    isTls ? `no TLS connection to ${where}: check tls.caFile and the port` : `${where} could not be read; tried again`,
    { cause: error },
  )
}

interface Cause {
  readonly name?: string
  readonly type?: string
  readonly cause?: unknown
}

function causesOf(error: unknown): readonly Cause[] {
  const causes: Cause[] = []
  let current = error
  while (typeof current === 'object' && current !== null && causes.length < 8) {
    causes.push(current as Cause)
    current = (current as Cause).cause
  }
  return causes
}
