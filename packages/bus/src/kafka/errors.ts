/** What Kafka's errors mean to the relay and its operator. */
import { RelayError } from '@siem-relay/common'
import { ConnectionError } from './driver.ts'
import { UncertainCommit } from './transactions.ts'
import { KafkaError, kafkaErrors } from './wire/error-codes.ts'

const rights: Readonly<Record<number, string>> = {
  [kafkaErrors.topicAuthorization]: 'topics: Describe, Read, Write and Create',
  [kafkaErrors.groupAuthorization]: 'groups: Read and Describe',
  [kafkaErrors.clusterAuthorization]: 'cluster: IdempotentWrite and Create',
  [kafkaErrors.transactionalIdAuthorization]: 'transactional ids: Describe and Write',
}

const saslFailed = 58
const notEmpty = 68

/** Certificates and names: node:tls and OpenSSL say what is wrong, not what was asked. */
const tlsPattern =
  /certificate|self-signed|altname|before secure TLS connection|SSL routines|unable to (get|verify)|wrong version number|ERR_TLS|ERR_SSL/i

/** Classifies an error met while `doing` something. Total: what is not known is tried again. */
export function toRelayError(error: unknown, doing: string): RelayError {
  if (error instanceof RelayError) return error
  if (error instanceof UncertainCommit)
    return new RelayError('RELAY_BUS_FENCED', `${error.message}; beginning again from what is committed`, {
      cause: error,
    })
  if (error instanceof KafkaError) return ofAnswer(error, doing)
  if (error instanceof ConnectionError) return ofConnection(error, doing)
  return new RelayError('RELAY_LOG_WRITE', `Kafka failed while ${doing}; tried again later`, { cause: error })
}

function ofAnswer(error: KafkaError, doing: string): RelayError {
  const right = rights[error.code]
  if (right !== undefined)
    return new RelayError(
      'RELAY_BUS_RIGHTS',
      `Kafka refused ${error.subject}: the relay's user needs rights on ${right}`,
      {
        cause: error,
      },
    )
  if (error.code === saslFailed)
    return new RelayError('RELAY_BUS_AUTH', `Kafka refused the credentials (${error.subject})`, { cause: error })
  if (error.isFenced)
    return new RelayError('RELAY_BUS_FENCED', `another instance took over while ${doing}`, { cause: error })
  if (error.code === kafkaErrors.unknownTopic)
    return new RelayError('RELAY_BUS_TOPIC', `Kafka does not know a topic it was asked for while ${doing}`, {
      cause: error,
    })
  if (error.code === notEmpty)
    return new RelayError('RELAY_USAGE', `the group is running: stop its workers first (${error.subject})`, {
      cause: error,
    })
  if (error.code === kafkaErrors.messageTooLarge || error.code === kafkaErrors.recordListTooLarge)
    return new RelayError(
      'RELAY_LOG_WRITE',
      `${error.subject}: a record is larger than the topic's max.message.bytes`,
      {
        cause: error,
      },
    )
  if (error.code === kafkaErrors.unstableOffsetCommit)
    return new RelayError(
      'RELAY_BUS_END_LOST',
      `${error.subject}: a transaction of somebody else keeps it pending; tried again`,
      { cause: error },
    )
  if (error.isElsewhere)
    return new RelayError(
      'RELAY_BUS_UNREACHABLE',
      `Kafka is not ready (${error.message}) while ${doing}; tried again`,
      {
        cause: error,
      },
    )
  return new RelayError('RELAY_LOG_WRITE', `Kafka answered ${error.message} while ${doing}; tried again later`, {
    cause: error,
  })
}

function ofConnection(error: ConnectionError, doing: string): RelayError {
  if (tlsPattern.test(error.message))
    return new RelayError('RELAY_BUS_TLS', `no TLS connection to Kafka while ${doing}: ${error.message}`, {
      cause: error,
    })
  return new RelayError('RELAY_BUS_UNREACHABLE', `Kafka could not be reached while ${doing}; tried again`, {
    cause: error,
  })
}
