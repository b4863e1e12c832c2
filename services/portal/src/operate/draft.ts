/** A definition as somebody is writing it, as an agent for the time of a question. */
import { type AgentDefinition, agentSchema } from '@siem-relay/common'
import { invalid, problemsOf } from '../server/errors.ts'

/** @throws {ApiError} `invalid` with every problem, each under `definition`. */
export function draftOf(definition: Readonly<Record<string, unknown>>): AgentDefinition {
  const parsed = agentSchema.safeParse({ id: 'draft', ...definition })
  if (!parsed.success) throw invalid(problemsOf(parsed.error.issues, ['definition']))
  return parsed.data
}
