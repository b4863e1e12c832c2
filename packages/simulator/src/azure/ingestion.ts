/** The Logs Ingestion API: what an upload is answered, and what of it is stored. Sockets and scripted faults that change no
 *  more than the wire are elsewhere. */

import type { Answer } from '../http/answer.ts'
import {
  accepted,
  azureError,
  contentTooLong,
  malformed,
  noAccess,
  throttled,
  unauthenticated,
  unknownRule,
  unknownStream,
} from './answers.ts'
import { type Body, unpackRows } from './body.ts'
import type { Entra } from './entra.ts'
import type { AzureFaultScript, FaultTarget } from './faults.ts'
import { type BudgetLimits, MinuteBudget } from './minute-budget.ts'
import type { RuleBook, Stream } from './rules.ts'
import type { StoredRow, TableStore } from './table-store.ts'

export interface IngestionLimits extends BudgetLimits {
  /** Content-Length at most, as sent. */
  readonly wireBytesMax: number
  /** Bytes of a body after unpacking. */
  readonly rawBytesMax: number
}

export interface IngestionParts {
  readonly rules: RuleBook
  readonly entra: Entra
  readonly store: TableStore
  readonly faults: AzureFaultScript
  readonly limits: IngestionLimits
  readonly audience: string
  /** Which status those mistakes get is not documented. */
  readonly unknownRuleStatus: 400 | 404
  readonly unknownStreamStatus: 400 | 404
  readonly nowMs: () => number
}

/** One request to upload, as its head says. */
export interface UploadHead {
  readonly requestId: string
  readonly clientRequestId: string | undefined
  readonly ruleId: string
  readonly stream: string
  readonly apiVersion: string | undefined
  readonly authorization: string | undefined
  readonly contentType: string | undefined
  /** `identity` when nothing is said. */
  readonly encoding: string
}

export interface Verdict {
  readonly answer: Answer
  /** Rows the body held, and its bytes after unpacking; 0 for one that was not unpacked. */
  readonly rows: number
  readonly rawBytes: number
  readonly stored: number
  /** Accepted, and in no table. */
  readonly lost: number
  readonly storedRows: readonly StoredRow[]
}

const apiVersions = new Set(['2023-01-01', '2021-11-01-preview'])

export class Ingestion {
  readonly #parts: IngestionParts
  readonly #budgets = new Map<string, MinuteBudget>()

  constructor(parts: IngestionParts) {
    this.#parts = parts
  }

  /** @param intent `lose` accepts the rows and stores none. */
  async accept(head: UploadHead, body: Body, intent: 'store' | 'lose'): Promise<Verdict> {
    const { store, limits, nowMs } = this.#parts
    const stream = this.#admit(head)
    if ('status' in stream) return refused(stream)
    if (body.bytes === undefined) return refused(contentTooLong(body.wireBytes, limits.wireBytesMax))
    const unpacked = await unpackRows(body.bytes, head.encoding, limits.rawBytesMax)
    if ('status' in unpacked) return refused(unpacked)

    const { rows, rawBytes } = unpacked
    const count = rows.length + unpacked.lost
    const waitSeconds = this.#budgetOf(head.ruleId).take(rawBytes, nowMs())
    if (waitSeconds > 0) return refused(throttled(waitSeconds), count, rawBytes)
    const target: FaultTarget = { route: 'ingestion', ruleId: head.ruleId, stream: head.stream }
    if (this.#parts.faults.takePoison(target, rows)) {
      return refused(malformed('A record of the body cannot be processed.'), count, rawBytes)
    }
    const about = { answer: accepted(), rows: count, rawBytes }
    if (intent === 'lose') return { ...about, stored: 0, lost: count, storedRows: [] }
    const storedRows = store.store(rows, stream, head.requestId, nowMs())
    return { ...about, stored: rows.length, lost: unpacked.lost, storedRows }
  }

  /** What the head alone decides. */
  #admit(head: UploadHead): Stream | Answer {
    const { rules, unknownRuleStatus, unknownStreamStatus } = this.#parts
    if (head.apiVersion === undefined || !apiVersions.has(head.apiVersion)) {
      return azureError(400, 'InvalidApiVersion', `The api-version '${head.apiVersion ?? ''}' is not supported.`)
    }
    const stranger = this.#refuseStranger(head.authorization)
    if (stranger !== undefined) return stranger
    const streams = rules.get(head.ruleId)
    if (streams === undefined) return unknownRule(head.ruleId, unknownRuleStatus)
    const roles = this.#parts.entra.find(head.authorization)?.application.roles
    if (roles !== undefined && !roles.includes(head.ruleId)) return noAccess(head.ruleId)
    if (!/^application\/json\b/i.test(head.contentType ?? '')) {
      return azureError(415, 'UnsupportedMediaType', 'The content type has to be application/json.')
    }
    return streams.get(head.stream) ?? unknownStream(head.ruleId, head.stream, unknownStreamStatus)
  }

  #refuseStranger(authorization: string | undefined): Answer | undefined {
    if (authorization === undefined) return unauthenticated('No token was presented.')
    const token = this.#parts.entra.find(authorization)
    if (token === undefined) return unauthenticated('The token is not valid.')
    if (this.#parts.nowMs() >= token.expiryMs) return unauthenticated('The token is expired.')
    if (token.audience !== this.#parts.audience) return unauthenticated(`The token is for ${token.audience}.`)
    return undefined
  }

  #budgetOf(ruleId: string): MinuteBudget {
    const budget = this.#budgets.get(ruleId) ?? new MinuteBudget(this.#parts.limits)
    this.#budgets.set(ruleId, budget)
    return budget
  }
}

function refused(answer: Answer, rows = 0, rawBytes = 0): Verdict {
  return { answer, rows, rawBytes, stored: 0, lost: 0, storedRows: [] }
}
