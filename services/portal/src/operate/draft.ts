/** A definition as somebody is writing it, or as the portal shows one of the configuration file, as an agent for the time of a question
 *  that sends nothing. */
import { type AgentDefinition, agentSchema } from '@siem-relay/common'
import { invalid, problemsOf } from '../server/errors.ts'

/** @throws {ApiError} `invalid` with every problem, each under `definition`. */
export function draftOf(definition: Readonly<Record<string, unknown>>): AgentDefinition {
  const parsed = agentSchema.safeParse({ id: 'draft', ...withoutEmptySecrets(definition) })
  if (!parsed.success) throw invalid(problemsOf(parsed.error.issues, ['definition']))
  return parsed.data
}

/** Secrets go out as ''; a question that sends nothing needs none. */
function withoutEmptySecrets(definition: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { sentinel } = definition
  if (typeof sentinel !== 'object' || sentinel === null || !('proxy' in sentinel) || sentinel.proxy !== '')
    return definition
  const { proxy: _, ...rest } = sentinel
  return { ...definition, sentinel: rest }
}
