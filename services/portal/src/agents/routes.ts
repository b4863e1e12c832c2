/** Routes of SIEM agents and their tokens. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import {
  agentChangeSchema,
  agentCheckAnswerSchema,
  agentCheckSchema,
  agentDetailSchema,
  agentEnabledSchema,
  agentRemovalSchema,
  agentRowSchema,
  newAgentSchema,
  tokenAnswerSchema,
} from '../contract/agents.ts'
import { route } from '../server/route.ts'
import type { Agents } from './agents.ts'
import type { Tokens } from './tokens.ts'

const idParams = z.object({ id: z.string().min(1).max(64) })

export function addAgentRoutes(server: FastifyInstance, agents: Agents, tokens: Tokens): void {
  route(server, {
    method: 'GET',
    path: '/agents',
    access: 'viewer',
    summary: 'Every SIEM agent, with its status and notifications.',
    answer: z.object({ agents: z.array(agentRowSchema), tenants: z.array(z.string()) }),
    handle: async () => ({ agents: await agents.rows(), tenants: agents.tenants() }),
  })

  route(server, {
    method: 'GET',
    path: '/agents/:id',
    access: 'viewer',
    summary: 'A SIEM agent with its definition.',
    params: idParams,
    answer: agentDetailSchema,
    handle: ({ params }) => agents.detail(params.id),
  })

  route(server, {
    method: 'POST',
    path: '/agents',
    access: 'admin',
    summary: 'Makes a SIEM agent; a token is told this once.',
    body: newAgentSchema,
    answer: z.object({ agent: agentDetailSchema, token: z.string().optional() }),
    status: 201,
    handle: async ({ body, caller, audit }) => {
      const made = await agents.create(body.definition, caller.name, body.issueToken)
      audit('agent.create', made.agent.id, made.agent.destination.text)
      if (made.token !== undefined) audit('token.create', made.agent.id, made.agent.token?.id)
      return made
    },
  })

  route(server, {
    method: 'PUT',
    path: '/agents/:id',
    access: 'admin',
    summary: 'Changes a SIEM agent, if nobody else did in the meantime.',
    params: idParams,
    body: agentChangeSchema,
    answer: z.object({ agent: agentDetailSchema }),
    handle: async ({ params: { id }, body: { revision, definition }, caller, audit }) => {
      const changed = await agents.edit(id, revision, definition, caller.name)
      audit('agent.change', id, changed.join(', ') || 'nothing')
      return { agent: await agents.detail(id) }
    },
  })

  route(server, {
    method: 'PATCH',
    path: '/agents/:id/enabled',
    access: 'admin',
    summary: 'Switches a SIEM agent on or off; its place in the log is kept.',
    params: idParams,
    body: agentEnabledSchema,
    answer: z.object({ agent: agentDetailSchema }),
    handle: async ({ params: { id }, body: { revision, enabled }, caller, audit }) => {
      await agents.enable(id, revision, enabled, caller.name)
      audit(enabled ? 'agent.enable' : 'agent.disable', id)
      return { agent: await agents.detail(id) }
    },
  })

  route(server, {
    method: 'DELETE',
    path: '/agents/:id',
    access: 'admin',
    summary: 'Deletes a SIEM agent and what is kept for it; its name has to be given.',
    params: idParams,
    body: agentRemovalSchema,
    handle: async ({ params: { id }, body: { revision, name }, audit }) => {
      await agents.remove(id, revision, name)
      audit('agent.delete', id, name)
    },
  })

  route(server, {
    method: 'POST',
    path: '/agents/check',
    access: 'viewer',
    summary: 'What is wrong or dangerous with a draft, and a line as it would send it.',
    body: agentCheckSchema,
    answer: agentCheckAnswerSchema,
    handle: ({ body }) => agents.check(body.definition),
  })

  route(server, {
    method: 'POST',
    path: '/agents/:id/token',
    access: 'admin',
    summary: 'Makes a new token; the one before ends at once.',
    params: idParams,
    answer: tokenAnswerSchema,
    handle: async ({ params: { id }, caller, audit }) => {
      agents.refuseForeign(id)
      const token = await tokens.issue(id, caller.name)
      audit('token.create', id)
      return { token }
    },
  })

  route(server, {
    method: 'DELETE',
    path: '/agents/:id/token',
    access: 'admin',
    summary: 'Revokes the token; whoever uses it is signed out at once.',
    params: idParams,
    handle: async ({ params: { id }, caller, audit }) => {
      agents.refuseForeign(id)
      await tokens.revoke(id, caller.name)
      audit('token.revoke', id)
    },
  })

  route(server, {
    method: 'POST',
    path: '/agents/:id/token/owner',
    access: 'admin',
    summary: 'Takes the token over: it ends with the caller’s account from now on.',
    params: idParams,
    handle: async ({ params: { id }, caller, audit }) => {
      agents.refuseForeign(id)
      await tokens.takeOverOne(id, caller.name)
      audit('token.take-over', id)
    },
  })
}
