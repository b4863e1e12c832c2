/** What a dead letter is when it goes out again: the message that could not be delivered, as it was; or a record that could not be
 *  formatted, through today's pipeline, for the agent of the letter alone. */
import type { BusRecord, NewRecord } from '@siem-relay/bus'
import {
  type AgentDefinition,
  createPipeline,
  eventKindOf,
  letterHeaders,
  lineBytesMaxOf,
  outHeaders,
  type Pipeline,
  partsOfRawTopic,
  RelayError,
  rawHeaders,
  rawTopicsOf,
} from '@siem-relay/common'
import { isRaw } from './letter.ts'

export type Message = Omit<NewRecord, 'topic'> & { readonly value: Uint8Array }

/** @throws {RelayError} why this letter cannot go out again: `RELAY_USAGE`, or the code with which it is still put aside. */
export type Again = (letter: BusRecord) => Message

export interface AgainOptions {
  readonly tenants: readonly string[]
  readonly version: string
  readonly nowMs: () => number
}

export function createAgain(agent: AgentDefinition, options: AgainOptions): Again {
  let pipeline: Pipeline | undefined
  return (letter) => {
    if (!isRaw(letter.headers)) return messageOf(letter)
    pipeline ??= createPipeline(agent, {
      defaultVersion: options.version,
      bytesMax: lineBytesMaxOf(agent),
      nowMs: options.nowMs,
    })
    return format(letter, agent, pipeline, options)
  }
}

function messageOf({ key, value, headers }: BusRecord): Message {
  const own: ReadonlySet<string> = new Set(Object.values(letterHeaders))
  return { key, value, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name))) }
}

function format(
  { key, value, headers, appendedMs }: BusRecord,
  agent: AgentDefinition,
  pipeline: Pipeline,
  { tenants }: AgainOptions,
): Message {
  const topic = headers[letterHeaders.topic] ?? ''
  const parts = partsOfRawTopic(topic)
  if (parts === undefined || !rawTopicsOf(agent, tenants).some(({ name }) => name === topic))
    throw new RelayError('RELAY_USAGE', `agent ${agent.id} does not take ${topic} any more`)
  const kind = eventKindOf[parts.kind]
  const source = headers[rawHeaders.source] ?? ''
  const outcome = pipeline(
    {
      body: value,
      kind,
      source,
      tenant: headers[rawHeaders.tenant] ?? '',
      shape: headers[rawHeaders.shape],
      version: headers[rawHeaders.version],
      portalUrl: headers[rawHeaders.portalUrl] ?? '',
      receivedMs: Number(headers[rawHeaders.receivedMs] ?? appendedMs),
    },
    () => false,
  )
  if (outcome.outcome === 'dead-letter')
    throw new RelayError(outcome.code, `it still cannot be formatted: ${outcome.reason}`)
  if (outcome.outcome === 'discard')
    throw new RelayError('RELAY_USAGE', `today's settings of agent ${agent.id} leave it out (${outcome.reason})`)
  return {
    key,
    value: Buffer.from(outcome.line),
    headers: {
      [outHeaders.eventTimeMs]: String(outcome.eventTimeMs),
      [outHeaders.kind]: kind,
      [outHeaders.source]: source,
      [outHeaders.severity]: String(outcome.severity),
      ...(outcome.rowSchema !== undefined && { [outHeaders.rowSchema]: outcome.rowSchema }),
    },
  }
}
