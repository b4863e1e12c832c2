/** A sending service: one sender per enabled agent it serves, their status, their health, and replays beside them. */
import type { AgentDefinition } from '@siem-relay/common'
import type { Reconfigurable, World } from '@siem-relay/service-kit'
import { AgentSenders } from './agent-senders.ts'
import { announceReplayMetrics } from './metrics.ts'
import { startReplays } from './replays.ts'
import type { SenderKind } from './sender.ts'
import type { AgentStatus } from './status.ts'

/** Every agent of the configuration; those of other services are left alone. */
export interface SendersConfig {
  readonly agents: readonly AgentDefinition[]
}

export interface RunningSenders extends Reconfigurable<SendersConfig> {
  /** Where each agent stands. */
  status(): readonly AgentStatus[]
}

/**
 * Starts delivery for all enabled agents. Ready once started: a receiver that is away is a status and a metric, since
 * restarting the relay would not bring it back.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when an agent asks for what this machine cannot do.
 */
export async function startSenders(config: SendersConfig, world: World, kind: SenderKind): Promise<RunningSenders> {
  const agents = new AgentSenders(world, kind)
  const check = (next: SendersConfig): void => {
    for (const agent of next.agents) if (agent.enabled && kind.serves(agent)) kind.check(agent)
  }
  let inForce = config
  const update = async (next: SendersConfig): Promise<void> => {
    check(next)
    await agents.update(next.agents)
    inForce = next
  }

  await using starting = new AsyncDisposableStack()
  starting.defer(() => agents.stop(0))
  await update(config)
  announceReplayMetrics(
    world.metrics,
    config.agents.filter((agent) => kind.serves(agent)),
  )
  const replays = await startReplays(world, kind, () => inForce.agents)
  starting.move()

  let stopping: Promise<void> | undefined
  const stop = (drainMs: number): Promise<void> => {
    stopping ??= Promise.all([replays.stop(drainMs), agents.stop(drainMs)]).then(() => undefined)
    return stopping
  }
  const failed = Promise.race([agents.failed, replays.failed])
  // Whoever started us decides what a failure means; nobody listening must not end the process.
  failed.catch(() => undefined)
  return {
    failed,
    status: () => agents.statuses(),
    check,
    update,
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  }
}
