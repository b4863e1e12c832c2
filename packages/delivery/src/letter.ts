/** What becomes of a message that can never be delivered. */
import type { BusRecord, NewRecord } from '@siem-relay/bus'
import { deadLettersTopic, letterHeaders, type RelayError } from '@siem-relay/common'
import type { SenderService } from './sender.ts'

/** The letter for a record that can never be delivered: the record as it is, why, and after how many attempts. */
export function letterFor(
  service: SenderService,
  agent: string,
  record: BusRecord,
  error: RelayError,
  attempts: number,
): NewRecord {
  return {
    topic: deadLettersTopic.name,
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      [letterHeaders.stage]: service,
      [letterHeaders.agent]: agent,
      [letterHeaders.code]: error.code,
      [letterHeaders.reason]: error.message,
      [letterHeaders.attempts]: String(attempts),
      [letterHeaders.topic]: record.topic,
      [letterHeaders.partition]: String(record.partition),
      [letterHeaders.offset]: String(record.offset),
    },
  }
}
