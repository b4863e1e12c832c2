/** `siem-relay agent`: delivers where the SIEM is, and asks the portal for what to deliver. In place of `java -jar mcas-siemagent`. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { helloAnswerSchema, printable, RelayError } from '@siem-relay/common'
import { createDispatchers } from '@siem-relay/http'
import {
  createHealth,
  createLogger,
  createMetrics,
  type LogLevel,
  logLevels,
  parseListen,
  runProcess,
  startAdmin,
  systemClock,
} from '@siem-relay/service-kit'
import { PortalClient } from '../remote-agent/portal-client.ts'
import { startRemoteAgent } from '../remote-agent/remote-agent.ts'
import { type AgentOptions, agentSettings } from '../remote-agent/settings.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

const checkMs = 30_000

export async function agent(options: AgentOptions, terminal: Terminal): Promise<void> {
  if (options.check === true) return check(options, terminal)
  const code = await runProcess({
    start: async ({ useLog }) => {
      const settings = agentSettings(options, terminal.env)
      try {
        await using starting = new AsyncDisposableStack()
        const log = createLogger({
          level: levelOf(terminal.env.SIEM_RELAY_LOG__LEVEL),
          destination: terminal.stderr,
          service: 'siem-relay-agent',
          instance: randomUUID(),
          ...(options.logsDirectory === undefined ? {} : { logsDirectory: options.logsDirectory }),
        })
        const metrics = createMetrics({ version })
        const health = createHealth()
        if (options.admin !== undefined) {
          const admin = await startAdmin({ listen: parseListen(options.admin), health, metrics })
          starting.defer(() => admin.close())
          terminal.stderr.write(`Metrics: ${admin.url}/metrics   Ready: ${admin.url}/readyz\n`)
        }
        const running = await startRemoteAgent({
          portal: settings.portal,
          token: settings.token,
          proxy: options.proxy,
          caFile: options.ca,
          env: terminal.env,
          version,
          log,
          metrics,
          health,
          clock: systemClock,
          random: Math.random,
          hostName: hostname(),
        })
        starting.use(running)
        const rest = starting.move()
        useLog(log)
        for (const warning of settings.warnings) log.warn(warning)
        terminal.stderr.write(
          `siem-relay agent works for ${settings.agent} with ${settings.portal}. Ctrl-C stops; what is on its way is delivered first.\n`,
        )
        return {
          failed: running.failed,
          stop: async (drainMs) => {
            await running.stop(drainMs)
            await rest.disposeAsync()
          },
          [Symbol.asyncDispose]: () => rest.disposeAsync(),
        }
      } catch (error) {
        throw named(error)
      }
    },
  })
  terminal.setExitCode(code)
}

/** Asks once and says what came of it; takes nothing, so that an agent that runs is not disturbed. */
async function check(options: AgentOptions, terminal: Terminal): Promise<void> {
  const settings = agentSettings(options, terminal.env)
  for (const warning of settings.warnings) terminal.stderr.write(`warning: ${warning}\n`)
  await using dispatchers = createDispatchers({
    proxy: options.proxy,
    caFile: options.ca,
    env: terminal.env,
    timeoutMs: checkMs,
  })
  const client = new PortalClient({
    url: settings.portal,
    token: settings.token,
    dispatchers,
    clock: systemClock,
    userAgent: `siem-relay-agent/${version}`,
  })
  const answer = await client.ask('hello', {}, helloAnswerSchema, AbortSignal.timeout(checkMs))
  const { agent: id, enabled, target, holder } = answer
  terminal.stdout.write(
    [
      `portal    ${settings.portal} answers`,
      `token     valid, of the agent ${printable(id)}`,
      `agent     ${enabled ? 'enabled' : 'disabled: nothing is delivered until it is enabled in the portal'}`,
      `receiver  ${printable(target)}, to be reached from this machine`,
      `in use    ${holder === undefined ? 'by nobody' : `by a process on ${printable(holder.host)} since ${new Date(holder.sinceMs).toISOString()}; another stands by`}`,
      '',
    ].join('\n'),
  )
}

/** Under the name the SIEM agent gave it, where that had none of its own. */
function named(error: unknown): unknown {
  if (!(error instanceof RelayError) || /^Invalid /.test(error.message)) return error
  return new RelayError(error.code, `General error during bootstrap: ${error.message}`, { cause: error })
}

function levelOf(text: string | undefined): LogLevel {
  return logLevels.find((level) => level === text) ?? 'info'
}
