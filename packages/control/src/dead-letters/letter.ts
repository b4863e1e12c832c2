/** One dead letter, read from its record. Everything in it is text that others wrote. */
import type { BusRecord } from '@siem-relay/bus'
import { type AgentDefinition, errorCodes, letterHeaders, partsOfRawTopic, rawHeaders } from '@siem-relay/common'
import type { DeadLetter, LetterFilter, LetterMark } from './shapes.ts'

/** Bytes of the record that a list shows. */
const previewBytesMax = 400

export function letterId({ partition, offset }: Pick<BusRecord, 'partition' | 'offset'>): string {
  return `${partition}-${offset}`
}

export function readLetter(
  record: BusRecord,
  mark: LetterMark | undefined,
  agents: readonly Pick<AgentDefinition, 'id'>[],
): DeadLetter {
  const { headers, value } = record
  const code = headers[letterHeaders.code] ?? ''
  const attempts = headers[letterHeaders.attempts]
  return {
    id: letterId(record),
    atMs: record.appendedMs,
    stage: headers[letterHeaders.stage] ?? '',
    agent: headers[letterHeaders.agent],
    code,
    reason: headers[letterHeaders.reason] ?? '',
    attempts: attempts === undefined ? undefined : Number(attempts),
    origin: {
      topic: headers[letterHeaders.topic] ?? '',
      partition: Number(headers[letterHeaders.partition] ?? 0),
      offset: headers[letterHeaders.offset] ?? '',
    },
    key: record.key,
    bytes: value.length,
    preview: value.subarray(0, previewBytesMax).toString('utf8'),
    nextMove: Object.hasOwn(errorCodes, code) ? errorCodes[code as keyof typeof errorCodes].nextMove : undefined,
    mark,
    notRetriable: whyNotRetriable(record, agents),
  }
}

export function fits({ headers }: BusRecord, { agent, code, stage }: LetterFilter): boolean {
  return (
    (agent === undefined || headers[letterHeaders.agent] === agent) &&
    (code === undefined || headers[letterHeaders.code] === code) &&
    (stage === undefined || headers[letterHeaders.stage] === stage)
  )
}

/** What is known without trying. */
function whyNotRetriable({ headers }: BusRecord, agents: readonly Pick<AgentDefinition, 'id'>[]): string | undefined {
  const agent = headers[letterHeaders.agent]
  if (headers[letterHeaders.code] === 'RELAY_LOG_CORRUPT')
    return 'its bytes are damaged: they cannot be read as records again'
  if (agent === undefined) return 'it belongs to no agent: what could not be read at the source is not sent to anybody'
  if (!agents.some(({ id }) => id === agent))
    return `the configuration has no agent ${agent}: put it back, or drop the letter`
  // Letters of an earlier version stand without the envelope of their record.
  if (isRaw(headers) && headers[rawHeaders.kind] === undefined)
    return 'it does not say what kind of record it is: replay the time with --from-raw while the raw record is kept'
  return undefined
}

/** A record that could not be formatted; else a message that could not be delivered. */
export function isRaw(headers: BusRecord['headers']): boolean {
  return partsOfRawTopic(headers[letterHeaders.topic] ?? '') !== undefined
}
