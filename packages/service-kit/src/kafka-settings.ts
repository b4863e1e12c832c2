/** Settings of any Kafka the relay talks to, its own log or a source: where it is, and how to trust it. */
import { readFileSync } from 'node:fs'
import type { KafkaBusOptions } from '@siem-relay/bus'
import { RelayError } from '@siem-relay/common'
import { z } from 'zod'

export const brokersSetting = z
  .array(z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s]+):\d{1,5}$/, 'must be HOST:PORT, for example kafka:9092'))
  .min(1)

/** What verifies brokers; those who read add what they need besides. */
export const kafkaTlsSettings = {
  caFile: z.string().min(1).optional().meta({
    description: "PEM file with the authorities that may sign the brokers; default: the system's and Node's own.",
  }),
  serverName: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Name to verify and to send as SNI; default: the host.' }),
  verify: z.boolean().default(true).meta({ description: 'false accepts any certificate: for a laboratory only.' }),
}

export interface KafkaTlsSettings {
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  readonly serverName?: string | undefined
  readonly verify: boolean
}

/**
 * Reads the files.
 * @param place of the settings in the configuration, for messages.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` for a file that cannot be read.
 */
export function kafkaTlsOf(tls: KafkaTlsSettings, place: string): NonNullable<KafkaBusOptions['tls']> {
  const pem = (setting: 'caFile' | 'certFile' | 'keyFile', path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch (cause) {
      throw new RelayError('RELAY_CONFIG_INVALID', `${place}.${setting}: ${path} cannot be read`, { cause })
    }
  }
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.caFile === undefined ? {} : { ca: pem('caFile', tls.caFile) }),
    ...(tls.certFile === undefined ? {} : { cert: pem('certFile', tls.certFile) }),
    ...(tls.keyFile === undefined ? {} : { key: pem('keyFile', tls.keyFile) }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  }
}
