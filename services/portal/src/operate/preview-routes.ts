/** `/filter-reference` and `/preview`: what filters can say, and what a draft would make of the last records. */
import {
  type AgentDefinition,
  type EventKind,
  eventKindOf,
  filterOperatorReference,
  filterReference,
  rawKinds,
  tenantsOf,
  wants,
} from '@siem-relay/common'
import type { Previewed as Judged, PreviewRequest } from '@siem-relay/control'
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'
import {
  filterReferenceSchema,
  type PreviewAnswer,
  type Previewed,
  previewAnswerSchema,
  previewSchema,
} from '../contract/records.ts'
import { route } from '../server/route.ts'
import { draftOf } from './draft.ts'
import { Turns } from './turns.ts'

const recordCharactersMax = 65_536
/** Of all records of an answer; beyond it each is cut to its beginning. */
const answerCharactersMax = 8_388_608
const beginning = 2_048
const tenantsMax = 100

export function addPreviewRoutes(server: FastifyInstance, { control, sources }: PortalContext): void {
  const turns = new Turns('previews', { perCaller: 1, inAll: 4 })

  route(server, {
    method: 'GET',
    path: '/filter-reference',
    access: 'viewer',
    summary: 'What filters can say: fields, operators, values.',
    answer: filterReferenceSchema,
    handle: () => ({
      alert: filterReference('alert'),
      activity: filterReference('activity'),
      discovery: filterReference('discovery'),
      operators: filterOperatorReference(),
    }),
  })

  route(server, {
    method: 'POST',
    path: '/preview',
    access: 'admin',
    summary: 'What a draft would make of the last records.',
    body: previewSchema,
    answer: previewAnswerSchema,
    handle: ({ body, caller }) =>
      turns.take(caller.name, async () => {
        const draft = draftOf(body.definition)
        const tenants = (draft.tenants ?? tenantsOf(sources())).slice(0, tenantsMax)
        if (tenants.length === 0) return answerOf([])
        // Some more than asked for of each tenant: partitions and tenants are not filled evenly.
        const limit = Math.min(1_000, Math.ceil((body.limit / tenants.length) * 3) + 3)
        const agent = { ...draft, tenants: [...tenants] } as PreviewRequest['agent']
        const judged = await control.preview({ agent, limit, explain: true })
        return answerOf(kindsOf(draft, body.kind).flatMap((kind) => newest(judged, kind, body.limit)))
      }),
  })
}

function kindsOf(agent: AgentDefinition, asked: EventKind | undefined): readonly EventKind[] {
  if (asked !== undefined) return [asked]
  return rawKinds.filter((kind) => wants(agent, kind)).map((kind) => eventKindOf[kind])
}

/** Newest first. */
function newest(judged: readonly Judged[], kind: EventKind, limit: number): readonly Judged[] {
  return judged
    .filter((one) => one.kind === kind)
    .toSorted((a, b) => b.receivedMs - a.receivedMs)
    .slice(0, limit)
}

const outcomeOf = { sent: 'sent', 'left out': 'left-out', 'dead letter': 'dead-letter' } as const

function answerOf(judged: readonly Judged[]): PreviewAnswer {
  let characters = 0
  const records = judged.map((one): Previewed => {
    const { kind, id, tenant, source, receivedMs, line, reason, explanation } = one
    const record = one.record.slice(0, characters > answerCharactersMax ? beginning : recordCharactersMax)
    characters += record.length + (line?.length ?? 0)
    return {
      kind,
      id,
      tenant,
      source,
      receivedMs,
      record,
      outcome: outcomeOf[one.outcome],
      ...(line === undefined ? {} : { line }),
      ...(reason === undefined ? {} : { reason }),
      ...(explanation === undefined
        ? {}
        : {
            clauses: explanation.clauses.map(({ passed, decides, sentence, field, operator }) => ({
              passed,
              decides,
              sentence,
              path: `${field}.${operator}`,
            })),
          }),
    }
  })
  const count = (outcome: Previewed['outcome']): number => records.filter((one) => one.outcome === outcome).length
  return { records, counts: { sent: count('sent'), leftOut: count('left-out'), deadLetter: count('dead-letter') } }
}
