/** What a fault makes of an answer. Pure: what happens on the socket is only named here and done in `http/delivery.ts`. */

import { createRandom } from '../data/random.ts'
import { notValid } from '../defender/filters.ts'
import type { Page } from '../defender/listing.ts'
import { throttled, unauthorized } from '../defender/routes.ts'
import { graphError } from '../graph/answer.ts'
import { type Answer, htmlAnswer, type Incoming, jsonAnswer, pageAnswer } from '../http/answer.ts'
import type { ChangedPage, ReplacedAnswer, RetryAfter, ScriptedFault, WireFault } from './fault.ts'
import { changeGraphPage } from './graph-page.ts'

/** An answer and how to send it; plainly when no wire fault is named. */
export interface Delivery {
  readonly answer: Answer
  readonly wireFault?: WireFault
}

export interface FaultWorld {
  readonly nowMs: () => number
  readonly seed: number
  /** Ends the life of the token in an Authorization header. */
  readonly expireToken: (authorization: string | undefined) => void
}

/**
 * @param answer makes the right answer; not called when the fault replaces it.
 * @returns what to deliver, and whether the fault was of use: one for pages waits until there is a page.
 */
export function applyFault(
  entry: ScriptedFault,
  incoming: Incoming,
  answer: () => Answer,
  world: FaultWorld,
): { readonly delivery: Delivery; readonly isUsed: boolean } {
  const { fault } = entry
  switch (fault.type) {
    case 'endless':
    case 'no-next-filters':
    case 'duplicate-ids':
    case 'shuffle':
    case 'short-list': {
      const right = answer()
      if (right.page === undefined) return { delivery: { answer: right }, isUsed: false }
      return { delivery: { answer: pageAnswer(changePage(fault, right.page, incoming, entry, world)) }, isUsed: true }
    }
    case 'foreign-link':
    case 'broken-page':
    case 'late':
    case 'no-items':
    case 'unknown-enums':
    case 'nulls': {
      const right = answer()
      const isConcerned =
        incoming.route === 'graph-alerts' || (incoming.route === 'graph-discovery' && fault.type !== 'late')
      const isPage = isConcerned && right.page !== undefined
      const changed = isPage ? changeGraphPage(fault, right.page, world.nowMs()) : undefined
      return { delivery: { answer: changed ?? right }, isUsed: changed !== undefined }
    }
    case 'truncate':
    case 'reset':
    case 'hang':
    case 'drip':
    case 'gzip':
    case 'huge':
    case 'wrong-charset':
      return { delivery: { answer: answer(), wireFault: fault }, isUsed: true }
    default:
      return { delivery: { answer: replaceAnswer(fault, incoming, world) }, isUsed: true }
  }
}

function replaceAnswer(fault: ReplacedAnswer, incoming: Incoming, world: FaultWorld): Answer {
  const answer = replacement(fault, incoming, world)
  if (!incoming.route.startsWith('graph-') || answer.status < 400) return answer
  // Graph words its errors in its own way; a proxy in front of it does not.
  if (fault.type === 'bad-gateway') return answer
  const retryAfter = answer.headers['retry-after']
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return graphError(answer.status, `Answered by the script: ${fault.type}.`, world.nowMs(), headers)
}

function replacement(fault: ReplacedAnswer, incoming: Incoming, world: FaultWorld): Answer {
  switch (fault.type) {
    case 'throttle':
      return throttled(waitMs(fault.retryAfter), retryAfterHeader(fault.retryAfter, world.nowMs()))
    case 'server-error':
      return jsonAnswer(500, { detail: 'Internal server error' })
    case 'bad-gateway':
      return htmlAnswer(502, '502 Bad Gateway')
    case 'unavailable':
      return jsonAnswer(503, { detail: 'Service unavailable' }, retryAfterHeader(fault.retryAfter, world.nowMs()))
    case 'html':
      return htmlAnswer(200, 'Sign in to your account')
    case 'null':
      return jsonAnswer(200, null)
    case 'empty-object':
      return jsonAnswer(200, {})
    case 'empty-body':
      return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.alloc(0) }
    case 'body-error':
      return jsonAnswer(200, { filters: [notValid('filters')], error: true })
    case 'forbidden':
      return jsonAnswer(403, { detail: 'You do not have permission to perform this action.' })
    case 'not-found':
      return jsonAnswer(404, { detail: 'Not found.' })
    case 'token-expired':
      world.expireToken(incoming.authorization)
      return unauthorized('Token has expired.')
    default:
      return fault satisfies never
  }
}

function waitMs(retryAfter: RetryAfter | undefined): number {
  if (retryAfter === undefined || 'text' in retryAfter) return 60_000
  return 1000 * ('seconds' in retryAfter ? retryAfter.seconds : retryAfter.dateInSeconds)
}

function retryAfterHeader(retryAfter: RetryAfter | undefined, nowMs: number): Readonly<Record<string, string>> {
  if (retryAfter === undefined) return {}
  if ('seconds' in retryAfter) return { 'retry-after': String(retryAfter.seconds) }
  if ('text' in retryAfter) return { 'retry-after': retryAfter.text }
  // A date has whole seconds: rounded up, so that it is never before the time meant.
  return { 'retry-after': new Date(Math.ceil(nowMs / 1000 + retryAfter.dateInSeconds) * 1000).toUTCString() }
}

function changePage(fault: ChangedPage, page: Page, incoming: Incoming, entry: ScriptedFault, world: FaultWorld): Page {
  switch (fault.type) {
    case 'endless': {
      entry.memory ??= page.records
      const records = entry.memory as readonly Buffer[]
      // In scan mode the filters lead back to where they came from.
      const isScan = page.envelope.total === undefined
      const filters = isScan ? { nextQueryFilters: incoming.parameters.filters ?? {} } : {}
      return { records, envelope: { ...page.envelope, hasNext: true, ...filters } }
    }
    case 'no-next-filters': {
      const { nextQueryFilters: _, ...envelope } = page.envelope
      return { records: page.records, envelope: { ...envelope, hasNext: true } }
    }
    case 'duplicate-ids':
      return {
        ...page,
        records: page.records.flatMap((record, index) => (index % 3 === 0 ? [record, record] : [record])),
      }
    case 'shuffle':
      return { ...page, records: shuffled(page.records, world.seed) }
    case 'short-list':
      return {
        records: page.records.slice(0, Math.floor(page.records.length / 2)),
        envelope: { ...page.envelope, hasNext: false },
      }
    default:
      return fault satisfies never
  }
}

/** Another order than the one given, whenever there is another. */
function shuffled(records: readonly Buffer[], seed: number): readonly Buffer[] {
  const random = createRandom(seed)
  const keyed = records.map((record) => ({ record, key: random.bits() })).sort((a, b) => a.key - b.key)
  const result = keyed.map((each) => each.record)
  return result.every((record, index) => record === records[index]) ? result.reverse() : result
}
