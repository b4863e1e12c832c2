/** From `bus:` of type kafka to what the log on Kafka is opened with: files are read, secrets revealed, tokens fetched. */
import type { KafkaBusOptions } from '@siem-relay/bus'
import { describeError, RelayError } from '@siem-relay/common'
import { kafkaTlsOf } from '@siem-relay/service-kit'
import type { BusConfig } from './config/bus.ts'

type Options = Omit<KafkaBusOptions, 'clock' | 'random' | 'onEvent'>

const connectTimeoutMs = 10_000
const requestTimeoutMs = 30_000
/** Longer than any request may take, so that a transaction outlives a lost answer; short, since an open one holds back its readers. */
const transactionTimeoutMs = 60_000
const tokenTimeoutMs = 10_000

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for a file that cannot be read. */
export function kafkaOptionsOf(bus: BusConfig): Options {
  const { tls, sasl, replication, minInsyncReplicas } = bus
  return {
    brokers: bus.brokers ?? [],
    clientId: bus.clientId ?? 'siem-relay',
    prefix: bus.prefix ?? 'siem-relay.',
    compression: bus.compression ?? 'zstd',
    createTopics: bus.createTopics ?? true,
    sessionTimeoutMs: (bus.sessionTimeoutSeconds ?? 10) * 1_000,
    connectTimeoutMs,
    requestTimeoutMs,
    transactionTimeoutMs,
    ...(replication === undefined ? {} : { replication }),
    ...(minInsyncReplicas === undefined ? {} : { minInsyncReplicas }),
    ...(tls === undefined ? {} : { tls: kafkaTlsOf(tls, 'bus.tls') }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
  }
}

function saslOf(sasl: NonNullable<BusConfig['sasl']>): NonNullable<Options['sasl']> {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl, password: sasl.password.reveal() }
  return { mechanism: 'oauthbearer', token: () => fetchToken(sasl) }
}

/** OAuth 2.0 client credentials (RFC 6749 §4.4). Asked for every new connection: they are few and live long. */
async function fetchToken(
  sasl: Extract<NonNullable<BusConfig['sasl']>, { mechanism: 'oauthbearer' }>,
): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: sasl.clientId,
    client_secret: sasl.clientSecret.reveal(),
    ...(sasl.scope === undefined ? {} : { scope: sasl.scope }),
  })
  try {
    const answer = await fetch(sasl.tokenUrl, { method: 'POST', body, signal: AbortSignal.timeout(tokenTimeoutMs) })
    if (!answer.ok) throw new Error(`status ${answer.status}`)
    const { access_token: token } = (await answer.json()) as { readonly access_token?: unknown }
    if (typeof token !== 'string' || token === '') throw new Error('no access_token in the answer')
    return token
  } catch (error) {
    throw new RelayError('RELAY_BUS_AUTH', `no token for Kafka from ${sasl.tokenUrl}: ${describeError(error)}`, {
      cause: error,
    })
  }
}
