/** From the settings of a source to what its log is opened with: files are read, secrets revealed. */
import type { ForeignLogOptions } from '@siem-relay/bus'
import type { Clock } from '@siem-relay/common'
import { kafkaTlsOf } from '@siem-relay/service-kit'
import type { DefenderStreamingSourceConfig } from './config.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function foreignLogOptionsOf(config: DefenderStreamingSourceConfig, clock: Clock): ForeignLogOptions {
  const { brokers, topics, consumerGroup, sasl } = config
  return {
    brokers,
    topics,
    group: consumerGroup,
    clientId: 'siem-relay',
    tls: config.tls.enabled ? kafkaTlsOf(config.tls, `source ${config.id}: tls`) : undefined,
    sasl: sasl === undefined ? undefined : { ...sasl, password: sasl.password.reveal() },
    clock,
  }
}
