/** `/agents/test-message`: one line to where a draft sends, by the code agents deliver with. */
import { type AgentDefinition, allowCidrsDefault, refusedAddress } from '@siem-relay/common'
import type { FastifyInstance } from 'fastify'
import type { PortalContext } from '../context.ts'
import { testMessageAnswerSchema, testMessageSchema } from '../contract/agents.ts'
import { ApiError, invalid } from '../server/errors.ts'
import { route } from '../server/route.ts'
import { draftOf } from './draft.ts'
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
      if (testMessage === undefined) throw new ApiError('unavailable', 'test messages cannot be sent from here')
      const draft = draftOf(body.definition)
      checkFiles(draft, agents.definitions())
      return turns.take(caller.name, async () => {
        const report = await testMessage(draft, (address) => refusedAddress(address, rules))
        audit('agent.test-message', draft.id, `${hostsOf(draft)}: ${report.ok ? 'ok' : 'failed'}`)
        return report
      })
    },
  })
}

/** Whoever may use a browser does not find out, by trying, which files this machine has. */
function checkFiles(draft: AgentDefinition, agents: readonly AgentDefinition[]): void {
  const known = new Set(agents.flatMap(filesOf).map(({ path }) => path))
  const foreign = filesOf(draft).filter(({ path }) => !known.has(path))
  if (foreign.length > 0)
    throw invalid(
      foreign.map(({ name }) => ({
        path: ['definition', 'syslog', 'tls', name],
        message: 'no agent uses this file: define the agent in the configuration file first',
      })),
    )
}

function filesOf({ syslog }: AgentDefinition): readonly { readonly name: string; readonly path: string }[] {
  const { caFile, certFile, keyFile } = syslog?.tls ?? {}
  return Object.entries({ caFile, certFile, keyFile }).flatMap(([name, path]) =>
    path === undefined ? [] : [{ name, path }],
  )
}

function hostsOf({ syslog }: AgentDefinition): string {
  if (syslog === undefined) return 'no receiver'
  return [syslog.host].flat().join(', ').slice(0, 300)
}
