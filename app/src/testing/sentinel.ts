/** A simulated Azure and a configuration with an agent that delivers there, for commands to be run beside. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventKind, type SentinelTable, sentinelTables } from '@siem-relay/common'
import {
  type AzureSimulator,
  type AzureSimulatorOptions,
  type DataCollectionRule,
  startAzureSimulator,
} from '@siem-relay/simulator'

export const ruleId = `dcr-${'0123456789abcdef'.repeat(2)}`
export const secret = 'canary~of~a~secret'
const application = { tenantId: 'contoso', clientId: 'relay', clientSecret: secret }
const streams: Readonly<Record<EventKind, string>> = {
  alert: 'Custom-McasAlerts',
  activity: 'Custom-McasActivities',
  discovery: 'Custom-McasDiscovery',
}

/** The rule that deploy/sentinel creates. */
export const rule: DataCollectionRule = {
  immutableId: ruleId,
  streams: Object.fromEntries(
    Object.entries(streams).map(([kind, stream]) => {
      const { columns, idColumn }: SentinelTable = sentinelTables[kind as EventKind]
      return [stream, { columns: Object.entries(columns).map(([name, { type }]) => ({ name, type })), idColumn }]
    }),
  ),
}

export interface SentinelSetup extends AsyncDisposable {
  readonly azure: AzureSimulator
  /** Where siem-relay.yaml is. */
  readonly cwd: string
  /** Writes the configuration anew, with other settings of the agent or other parts. */
  configure(sentinel?: object, parts?: { readonly agent?: object; readonly sources?: readonly object[] }): void
  /** Writes a file; returns its path. */
  write(name: string, text: string): string
}

export async function startSentinel(
  options: Partial<AzureSimulatorOptions> & { readonly roles?: readonly string[] } = {},
): Promise<SentinelSetup> {
  const cwd = mkdtempSync(join(tmpdir(), 'siem-relay-doctor-'))
  const { roles, ...azureOptions } = options
  const credentials = [{ ...application, ...(roles === undefined ? {} : { roles }) }]
  const azure = await startAzureSimulator({ rules: [rule], credentials, ...azureOptions })
  const write = (name: string, text: string): string => {
    const path = join(cwd, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const caFile = write('ca.pem', azure.caCert)
  const clientSecretFile = write('secret', `${secret}\n`)
  const setup: SentinelSetup = {
    azure,
    cwd,
    write,
    configure(sentinel = {}, { agent = {}, sources = [] } = {}) {
      const { tenantId, clientId } = application
      const settings = {
        endpoint: azure.endpoint,
        authorityHost: azure.authorityHost,
        allowAnyEndpoint: true,
        ruleId,
        caFile,
        auth: { type: 'client-secret', tenantId, clientId, clientSecretFile },
        ...sentinel,
      }
      const agents = [{ id: 'soc', sentinel: settings, ...agent }]
      write('siem-relay.yaml', JSON.stringify({ agents, sources }))
    },
    async [Symbol.asyncDispose]() {
      await azure.stop()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
  setup.configure()
  return setup
}
