/** Kafka's error codes, as far as they decide something here, and what they mean to whoever made the call.
 *  @see https://kafka.apache.org/protocol#protocol_error_codes */

const names: Readonly<Record<number, string>> = {
  [-1]: 'UNKNOWN_SERVER_ERROR',
  1: 'OFFSET_OUT_OF_RANGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  8: 'BROKER_NOT_AVAILABLE',
  9: 'REPLICA_NOT_AVAILABLE',
  10: 'MESSAGE_TOO_LARGE',
  13: 'NETWORK_EXCEPTION',
  14: 'COORDINATOR_LOAD_IN_PROGRESS',
  15: 'COORDINATOR_NOT_AVAILABLE',
  16: 'NOT_COORDINATOR',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  22: 'ILLEGAL_GENERATION',
  23: 'INCONSISTENT_GROUP_PROTOCOL',
  25: 'UNKNOWN_MEMBER_ID',
  26: 'INVALID_SESSION_TIMEOUT',
  27: 'REBALANCE_IN_PROGRESS',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  30: 'GROUP_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  35: 'UNSUPPORTED_VERSION',
  36: 'TOPIC_ALREADY_EXISTS',
  38: 'INVALID_REPLICATION_FACTOR',
  44: 'POLICY_VIOLATION',
  45: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  47: 'INVALID_PRODUCER_EPOCH',
  48: 'INVALID_TXN_STATE',
  49: 'INVALID_PRODUCER_ID_MAPPING',
  50: 'INVALID_TRANSACTION_TIMEOUT',
  51: 'CONCURRENT_TRANSACTIONS',
  53: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  56: 'KAFKA_STORAGE_ERROR',
  58: 'SASL_AUTHENTICATION_FAILED',
  59: 'UNKNOWN_PRODUCER_ID',
  68: 'NON_EMPTY_GROUP',
  69: 'GROUP_ID_NOT_FOUND',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  78: 'OFFSET_NOT_AVAILABLE',
  79: 'MEMBER_ID_REQUIRED',
  81: 'GROUP_MAX_SIZE_REACHED',
  88: 'UNSTABLE_OFFSET_COMMIT',
  90: 'PRODUCER_FENCED',
  105: 'TRANSACTIONAL_ID_NOT_FOUND',
  120: 'TRANSACTION_ABORTABLE',
}

export const kafkaErrors = {
  unknown: -1,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  notLeader: 6,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorUnavailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  topicAuthorization: 29,
  groupAuthorization: 30,
  clusterAuthorization: 31,
  unsupportedVersion: 35,
  invalidProducerEpoch: 47,
  concurrentTransactions: 51,
  transactionalIdAuthorization: 53,
  memberIdRequired: 79,
  unstableOffsetCommit: 88,
  producerFenced: 90,
  transactionalIdNotFound: 105,
} as const

/** Where the asked broker is not, or not yet, the one to ask, or misses its replicas: look again who is. */
const elsewhere = new Set<number>([3, 5, 6, 8, 9, 13, 14, 15, 16, 19, 20, 56, 74, 75, 78])

/** An answer with an error code. */
export class KafkaError extends Error {
  readonly code: number
  /** What was asked of whom: `Produce to siem-relay.out.splunk/3`. */
  readonly subject: string

  constructor(code: number, subject: string) {
    super(`${subject}: ${names[code] ?? `Kafka error ${code}`}`)
    this.name = 'KafkaError'
    this.code = code
    this.subject = subject
  }

  get isFenced(): boolean {
    return this.code === kafkaErrors.producerFenced || this.code === kafkaErrors.invalidProducerEpoch
  }

  /** Leader or coordinator has moved or is not up yet; asked again later, the cluster will answer. */
  get isElsewhere(): boolean {
    return elsewhere.has(this.code)
  }
}

/** @throws {KafkaError} unless the code is 0. */
export function check(code: number, subject: string): void {
  if (code !== 0) throw new KafkaError(code, subject)
}
