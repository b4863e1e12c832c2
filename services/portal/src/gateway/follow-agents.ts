/** Keeps the gateway in line with the agents there are, whoever changes them: one change after another, the latest of it; what the log
 *  could not take is tried again. */
import { type AgentDefinition, type Clock, describeError } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import type { Gateway } from './gateway.ts'

const retryMs = 5_000

export interface FollowAgentsParts {
  readonly gateway: Pick<Gateway, 'update'>
  readonly agents: () => readonly AgentDefinition[]
  /** Calls back after every change; the returned function ends that. */
  readonly onChange: (listener: () => void) => () => void
  readonly clock: Clock
  readonly log: World['log']
}

export function followAgents({ gateway, agents, onChange, clock, log }: FollowAgentsParts): AsyncDisposable {
  const closing = new AbortController()
  let isDue = false
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    while (isDue && !closing.signal.aborted) {
      isDue = false
      try {
        await gateway.update({ agents: agents() })
      } catch (error) {
        isDue = true
        log.error({ error: describeError(error), retryMs }, 'agents in other networks not taken up: tried again')
        await clock.sleep(retryMs, closing.signal).catch(() => undefined)
      }
    }
    running = undefined
  }
  const ring = (): void => {
    isDue = true
    running ??= run()
  }
  const unfollow = onChange(ring)
  // What changed since the gateway was started.
  ring()
  return {
    async [Symbol.asyncDispose]() {
      unfollow()
      closing.abort()
      await running
    },
  }
}
