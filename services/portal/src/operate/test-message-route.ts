/** `/agents/test-message`: one line to where a draft sends, by the code agents deliver with. */
import { type AgentDefinition, allowCidrsDefault, refusedAddress } from '@siem-relay/common'
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'
import { testMessageAnswerSchema, testMessageSchema } from '../contract/agents.ts'
import { ApiError } from '../server/errors.ts'
import { route } from '../server/route.ts'
import { Turns } from './turns.ts'

export function addTestMessageRoute(server: FastifyInstance, { testMessage, config, agents }: PortalContext): void {
  const turns = new Turns('test messages', { perCaller: 1, inAll: 4 })
  const rules = { allowCidrs: config.allowCidrs ?? allowCidrsDefault }

  route(server, {
    method: 'POST',
    path: '/agents/test-message',
    access: 'admin',
    summary: 'Sends one line to where a draft sends, and tells what happened.',
    body: testMessageSchema,
    answer: testMessageAnswerSchema,
    handle: ({ body, caller, audit }) => {
      if (testMessage === undefined)
        throw new ApiError('unavailable', 'test messages cannot be sent from here', {
          nextMove: 'Try its receiver with siem-relay doctor.',
        })
      const draft = agents.draft(body.definition)
      return turns.take(caller.name, async () => {
        const report = await testMessage(draft, (address) => refusedAddress(address, rules))
        audit('agent.test-message', draft.id, `${hostsOf(draft)}: ${report.ok ? 'ok' : 'failed'}`)
        return report
      })
    },
  })
}

function hostsOf({ syslog }: AgentDefinition): string {
  if (syslog === undefined) return 'no receiver'
  return [syslog.host].flat().join(', ').slice(0, 300)
}
