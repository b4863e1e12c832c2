/** From the settings of a source to what its log is opened with: files are read, secrets revealed. */
import { readFileSync } from 'node:fs'
import type { ForeignLogOptions } from '@siem-relay/bus'
import { type Clock, RelayError } from '@siem-relay/common'
import type { DefenderStreamingSourceConfig } from './config.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function foreignLogOptionsOf(config: DefenderStreamingSourceConfig, clock: Clock): ForeignLogOptions {
  const { brokers, topics, consumerGroup, sasl } = config
  return {
    brokers,
    topics,
    group: consumerGroup,
    clientId: 'siem-relay',
    tls: config.tls.enabled ? tlsOf(config.tls) : undefined,
    sasl: sasl === undefined ? undefined : { ...sasl, password: sasl.password.reveal() },
    clock,
  }
}

function tlsOf(tls: DefenderStreamingSourceConfig['tls']): NonNullable<ForeignLogOptions['tls']> {
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.caFile === undefined ? {} : { ca: pem(tls.caFile) }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  }
}

function pem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new RelayError('RELAY_CONFIG_INVALID', `tls.caFile: ${path} cannot be read`, { cause })
  }
}
