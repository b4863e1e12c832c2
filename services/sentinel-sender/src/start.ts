/** The sentinel-sender service: one sender per enabled agent whose destination is Microsoft Sentinel, their status, their health. */
import { type AgentDefinition, RelayError, type SentinelDestination } from '@siem-relay/common'
import { type RunningSenders, type SenderKind, type SendersConfig, startSenders } from '@siem-relay/delivery'
import { type Environment, readAuthorities } from '@siem-relay/http'
import type { World } from '@siem-relay/service-kit'
import { SentinelSender, type Surroundings } from './agent-sender.ts'

export interface SentinelSenderOptions {
  /** For HTTPS_PROXY and NO_PROXY. */
  readonly env?: Environment
  readonly version?: string
}

/**
 * Starts delivery for all enabled agents. Ready once started: Azure being away is a status and a metric, since restarting the relay
 * would not bring it back.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when an agent asks for what this machine cannot do.
 */
export function start(
  config: SendersConfig,
  world: World,
  { env = {}, version = '0.0.0' }: SentinelSenderOptions = {},
): Promise<RunningSenders> {
  return startSenders(config, world, senderKind({ env, userAgent: `siem-relay/${version}` }))
}

function senderKind(around: Surroundings): SenderKind {
  return {
    service: 'sentinel-sender',
    serves: ({ sentinel }) => sentinel !== undefined,
    check: ({ id, sentinel }) => {
      if (sentinel?.caFile === undefined) return
      try {
        readAuthorities(sentinel.caFile)
      } catch (cause) {
        throw new RelayError('RELAY_CONFIG_INVALID', `agent ${id}: sentinel.${(cause as Error).message}`, { cause })
      }
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
