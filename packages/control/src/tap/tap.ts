/** Live records of a topic, for a person who watches. It looks at what is new twice a second and never holds anything up: whoever
 *  takes the records slower than they come is told how many went by unseen. */
import { randomBytes } from 'node:crypto'
import type { Bus, BusRecord } from '@siem-relay/bus'
import {
  type AgentDefinition,
  type Clock,
  type CompiledFilter,
  checkFilter,
  compileFilter,
  deadLettersTopic,
  discardedTopic,
  type EventKind,
  eventKindOf,
  type FilterDefinition,
  letterHeaders,
  normalize,
  outHeaders,
  outTopic,
  partsOfRawTopic,
  RelayError,
  rawHeaders,
  rawKinds,
  rawTopic,
  rawTopicsOf,
  type TopicSpec,
} from '@siem-relay/common'
import type { z } from 'zod'
import { createMasker } from './mask.ts'
import type { TapItem, TappedRecord, tapRequestSchema } from './shapes.ts'

const lookMs = 500
/** Offsets of a partition that a look shows; when there are more, the latest. */
const perLookMax = 1_000
/** Characters of a record that are shown. */
const valueMax = 65_536

export interface TapParts {
  readonly bus: Bus
  readonly clock: Clock
  readonly agents: readonly AgentDefinition[]
  readonly tenants: readonly string[]
}

type Request = z.output<typeof tapRequestSchema>

/** @throws {RelayError} `RELAY_USAGE` for what nothing can come of. Ends when the signal is aborted. */
export async function* tapRecords(parts: TapParts, request: Request, signal?: AbortSignal): AsyncGenerator<TapItem> {
  const { bus, clock } = parts
  const topics = topicsOf(parts, request)
  const isWanted = createSieve(request, clock)
  const show = createView(request)
  await bus.ensureTopics(topics)
  const seen = new Map<string, number>()
  for (const { topic, partition, end } of await bus.positions.bounds(topics)) seen.set(`${topic}/${partition}`, end)
  yield { type: 'started', topics: topics.map(({ name }) => name) }
  let left = request.limit ?? Number.POSITIVE_INFINITY
  const isOver = (): boolean => signal?.aborted === true
  while (!isOver()) {
    for (const { topic: name, partition, start, end } of await bus.positions.bounds(topics)) {
      const place = `${name}/${partition}`
      const from = Math.max(start, seen.get(place) ?? end)
      if (end <= from) continue
      const topic = topics.find((one) => one.name === name)
      if (topic === undefined) continue
      const first = Math.max(from, end - perLookMax)
      if (first > from) yield { type: 'skipped', records: await bus.positions.count(topic, partition, from, first) }
      seen.set(place, end)
      try {
        for await (const record of bus.read(topic, partition, first, signal)) {
          if (record.offset >= end || isOver()) break
          if (!isWanted(record)) continue
          yield show(record)
          if (--left <= 0) return
        }
      } catch (error) {
        if (!isOver()) throw error
      }
    }
    await clock.sleep(lookMs, signal).catch(() => undefined)
  }
}

function topicsOf(
  { agents, tenants }: TapParts,
  { stage, agent: id, tenant, kind, where }: Request,
): readonly TopicSpec[] {
  const agent = agents.find((one) => one.id === id)
  const usage = (message: string): RelayError => new RelayError('RELAY_USAGE', message)
  if (id !== undefined && agent === undefined)
    throw usage(`the configuration has no agent ${id}; it has: ${agents.map((one) => one.id).join(', ') || 'none'}`)
  if (where !== undefined && stage !== 'raw')
    throw usage('a filter judges raw records: tap the stage raw, or leave the filter out')
  if (stage === 'discarded') return [discardedTopic]
  if (stage === 'dead-letters') return [deadLettersTopic]
  const topics =
    stage === 'out'
      ? (agent === undefined ? agents : [agent]).map((one) => outTopic(one.id))
      : (agent === undefined
          ? tenants.flatMap((one) => rawKinds.map((two) => rawTopic(one, two)))
          : rawTopicsOf(agent, tenants)
        ).filter(({ name }) => {
          const raw = partsOfRawTopic(name)
          return (tenant === undefined || raw?.tenant === tenant) && (kind === undefined || raw?.kind === kind)
        })
  if (topics.length === 0)
    throw usage('the configuration has nothing of that kind: look at its agents, tenants and data types')
  return topics
}

function createSieve(request: Request, clock: Clock): (record: BusRecord) => boolean {
  const { stage, agent, tenant, kind, where } = request
  const filters = where === undefined ? undefined : filtersOf(where, kind === undefined ? undefined : eventKindOf[kind])
  if (stage === 'raw') return (record) => filters === undefined || passes(record, filters, clock.nowMs())
  if (stage === 'out') return ({ headers }) => kind === undefined || headers[outHeaders.kind] === eventKindOf[kind]
  return ({ headers }) => {
    const raw = partsOfRawTopic(headers[letterHeaders.topic] ?? '')
    return (
      (agent === undefined || headers[letterHeaders.agent] === agent) &&
      (tenant === undefined || raw?.tenant === tenant) &&
      (kind === undefined || raw?.kind === kind)
    )
  }
}

/** The filter for each kind that has all of its fields. @throws {RelayError} when none has. */
function filtersOf(where: FilterDefinition, only: EventKind | undefined): ReadonlyMap<EventKind, CompiledFilter> {
  const kinds = only === undefined ? Object.values(eventKindOf) : [only]
  const fitting = kinds.filter((kind) => checkFilter(kind, where).length === 0)
  if (fitting.length === 0) {
    const problems = checkFilter(kinds[0] ?? 'alert', where).map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new RelayError('RELAY_USAGE', `the filter cannot be used: ${problems.join('; ')}`)
  }
  return new Map(fitting.map((kind) => [kind, compileFilter(kind, where)]))
}

function passes(record: BusRecord, filters: ReadonlyMap<EventKind, CompiledFilter>, nowMs: number): boolean {
  const kind = eventKindOf[partsOfRawTopic(record.topic)?.kind ?? 'alerts']
  const { headers, value: body } = record
  try {
    const event = normalize({
      body,
      kind,
      shape: headers[rawHeaders.shape],
      tenant: headers[rawHeaders.tenant] ?? '',
      source: headers[rawHeaders.source] ?? '',
    })
    return filters.get(kind)?.matches(event, nowMs) ?? false
  } catch {
    // No record, or none the filter can judge: not what was asked for.
    return false
  }
}

function createView({ unmasked }: Request): (record: BusRecord) => TappedRecord {
  const masker = unmasked ? undefined : createMasker(randomBytes(32))
  const text = (value: string): string => (masker === undefined ? value : masker.text(value))
  return ({ topic, partition, offset, appendedMs, key, headers, value }) => {
    const whole = value.toString('utf8')
    const shown = masker === undefined ? whole : masker.record(whole)
    return {
      type: 'record',
      topic,
      partition,
      offset,
      atMs: appendedMs,
      key: text(key),
      headers: Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, text(one)])),
      value: shown.slice(0, valueMax),
      isCut: shown.length > valueMax,
    }
  }
}
