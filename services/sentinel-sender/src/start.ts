/** The sentinel-sender service: one sender per enabled agent whose destination is Microsoft Sentinel, their status, their health. */
import { type AgentDefinition, RelayError, type SentinelDestination } from '@siem-relay/common'
import {
  AgentSenders,
  type AgentStatus,
  announceReplayMetrics,
  type SenderKind,
  startReplays,
} from '@siem-relay/delivery'
import { type Environment, parseProxy } from '@siem-relay/http'
import type { Reconfigurable, World } from '@siem-relay/service-kit'
import { SentinelSender, type Surroundings } from './agent-sender.ts'
import type { SentinelSenderConfig } from './config.ts'

export interface SentinelSenderOptions {
  /** For HTTPS_PROXY and NO_PROXY. */
  readonly env?: Environment
  readonly version?: string
}

export interface RunningSentinelSender extends Reconfigurable<SentinelSenderConfig> {
  /** Where each agent stands. */
  status(): readonly AgentStatus[]
}

/**
 * Starts delivery for all enabled agents. Ready once started: Azure being away is a status and a metric, since restarting the relay
 * would not bring it back.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when an agent asks for what this machine cannot do.
 */
export async function start(
  config: SentinelSenderConfig,
  world: World,
  { env = {}, version = '0.0.0' }: SentinelSenderOptions = {},
): Promise<RunningSentinelSender> {
  const kind = senderKind({ env, userAgent: `siem-relay/${version}` })
  const agents = new AgentSenders(world, kind)
  const check = (next: SentinelSenderConfig): void => {
    for (const agent of next.agents) if (agent.enabled && kind.serves(agent)) kind.check(agent)
  }
  let inForce = config
  const update = async (next: SentinelSenderConfig): Promise<void> => {
    check(next)
    await agents.update(next.agents)
    inForce = next
  }

  await using starting = new AsyncDisposableStack()
  starting.defer(() => agents.stop(0))
  await update(config)
  announceReplayMetrics(world.metrics, inForce.agents.filter(kind.serves))
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

function senderKind(around: Surroundings): SenderKind {
  return {
    service: 'sentinel-sender',
    serves: ({ sentinel }) => sentinel !== undefined,
    check: ({ id, sentinel }) => {
      if (sentinel?.proxy !== undefined && parseProxy(sentinel.proxy) === undefined)
        throw new RelayError(
          'RELAY_CONFIG_INVALID',
          `agent ${id}: sentinel.proxy must be http://[user:password@]address[:port]`,
        )
    },
    create: (options) => new SentinelSender(options, destinationOf(options.agent), around),
    deliveryOf: ({ sentinel }) => sentinel,
    warningsOf: ({ sentinel }) =>
      sentinel?.allowAnyEndpoint === true
        ? ['allowAnyEndpoint: tokens and rows go to hosts that are not Azure’s; for test servers only']
        : [],
  }
}

function destinationOf({ sentinel }: AgentDefinition): SentinelDestination {
  if (sentinel === undefined) throw new TypeError('an agent without sentinel was given to the sentinel-sender')
  return sentinel
}
