/** A simulated Azure that knows applications without a secret, and whether a token of an identity opens its rule. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentSchema, type SentinelDestination } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { type AzureSimulator, startAzureSimulator } from '@siem-relay/simulator'
import { openProbe } from '../probe.ts'
import { createTokens } from '../tokens.ts'

const ruleId = `dcr-${'0123456789abcdef'.repeat(2)}`

export interface Identities extends AsyncDisposable {
  readonly azure: AzureSimulator
  readonly directory: string
  /** Writes a file; returns its path. */
  write(name: string, text: string): string
  /** @throws {RelayError} as the sender's tokens do. */
  ask(auth: object, changes?: object): Promise<string>
  /** What Azure answers to an upload with a token of this identity. */
  upload(auth: object): Promise<string>
}

export async function startIdentities(clientIds: readonly string[]): Promise<Identities> {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-tokens-'))
  const azure = await startAzureSimulator({
    rules: [{ immutableId: ruleId, streams: { 'Custom-McasAlerts': { columns: 'any' } } }],
    credentials: clientIds.map((clientId) => ({ tenantId: 'contoso', clientId })),
  })
  const write = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const caFile = write('ca.pem', azure.caCert)
  const destination = (auth: object, changes: object = {}): SentinelDestination => {
    const { endpoint, authorityHost } = azure
    const settings = { endpoint, authorityHost, ruleId, caFile, allowAnyEndpoint: true, auth, ...changes }
    const { sentinel } = agentSchema.parse({ id: 'soc', sentinel: settings })
    if (sentinel === undefined) throw new TypeError('the agent has no sentinel')
    return sentinel
  }
  return {
    azure,
    directory,
    write,
    ask: (auth, changes) =>
      createTokens(destination(auth, changes), { clock: systemClock, env: {} }).get(AbortSignal.timeout(20_000)),
    async upload(auth) {
      await using probe = openProbe(destination(auth), { clock: systemClock, env: {}, userAgent: 'test' })
      return (await probe.upload('alert', [], await probe.token())).answer.type
    },
    async [Symbol.asyncDispose]() {
      await azure.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
