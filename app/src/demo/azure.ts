/** The demo's Azure: a workspace that shows what it stored, for an agent to deliver to without an account. What an agent has to
 *  be told, the authority and the secret, is kept in files, so that a restart changes nothing for it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import { RelayError, type SentinelTable, sentinelTables } from '@siem-relay/common'
import { type Listen, listenError } from '@siem-relay/service-kit'
import {
  type AzureSimulator,
  createAuthority,
  type DataCollectionRule,
  type KeyPair,
  readRuleTemplate,
  type StoredRow,
  startAzureSimulator,
} from '@siem-relay/simulator'

/** Everybody may know it: what it opens is this simulator. */
const application = { tenantId: 'contoso', clientId: 'siem-relay', clientSecret: 'demo'.repeat(8) }

/** Without a rule of the user's: the one that deploy/sentinel creates. */
const ownRule: DataCollectionRule = {
  immutableId: `dcr-${'0'.repeat(32)}`,
  streams: {
    'Custom-McasAlerts': streamOf(sentinelTables.alert),
    'Custom-McasActivities': streamOf(sentinelTables.activity),
    'Custom-McasDiscovery': streamOf(sentinelTables.discovery),
  },
}

function streamOf({ table, isOwn, idColumn, columns }: SentinelTable): DataCollectionRule['streams'][string] {
  return {
    columns: Object.entries(columns).map(([name, { type }]) => ({ name, type })),
    outputStream: `${isOwn ? 'Custom' : 'Microsoft'}-${table}`,
    idColumn,
  }
}

/** Rows are shown as they come; there is nobody to read them again. */
const rowsMax = 1_000

export interface DemoAzureOptions {
  /** Keeps the authority and the application's secret. */
  readonly directory: string
  readonly listen: Listen
  /** ARM template with the data collection rules. */
  readonly ruleFile: string | undefined
  readonly onStored: (rows: readonly StoredRow[]) => Promise<void>
}

export interface DemoAzure {
  readonly azure: AzureSimulator
  /** The `sentinel` settings of an agent that delivers here. */
  readonly sentinel: object
  /** The same as an entry to write into a configuration. */
  readonly agentExample: string
}

/** @throws {RelayError} `RELAY_LISTEN_FAILED`; `RELAY_CONFIG_INVALID` for a rule that cannot be read or that Azure would refuse. */
export async function startDemoAzure({ directory, listen, ruleFile, onStored }: DemoAzureOptions): Promise<DemoAzure> {
  makeDirectory(directory, 0o700)
  const files = {
    ca: join(directory, 'azure-ca.pem'),
    key: join(directory, 'azure-ca.key'),
    secret: join(directory, 'azure-client-secret'),
  }
  const rules = ruleFile === undefined ? [ownRule] : readRuleFile(ruleFile)
  const authority = readAuthority(files.ca, files.key) ?? createAuthority(Date.now())
  // Before anybody can reach it: who waits for the port may read them then.
  writeFileSync(files.key, authority.privateKey, { mode: 0o600 })
  writeFileSync(files.ca, authority.certificate)
  writeFileSync(files.secret, application.clientSecret, { mode: 0o600 })
  const azure = await startAzureSimulator({
    ...listen,
    rules,
    credentials: [application],
    names: [hostname(), ...(isWildcard(listen.host) ? [] : [listen.host])],
    authority,
    rowsMax,
    onStored,
  }).catch((error: unknown) => {
    throw error instanceof TypeError && ruleFile !== undefined ? ruleError(ruleFile, error) : listenError(listen, error)
  })
  return { azure, sentinel: settingsOf(azure, rules, files), agentExample: exampleOf(azure, rules, files) }
}

function readRuleFile(path: string): readonly DataCollectionRule[] {
  try {
    return readRuleTemplate(readFileSync(path, 'utf8'))
  } catch (error) {
    throw ruleError(path, error)
  }
}

function ruleError(path: string, cause: unknown): RelayError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new RelayError('RELAY_CONFIG_INVALID', `${path}: ${reason}`, { cause })
}

/** @returns undefined on the first start, and for files somebody damaged: then there is a new authority. */
function readAuthority(certificateFile: string, keyFile: string): KeyPair | undefined {
  try {
    const certificate = readFileSync(certificateFile, 'utf8')
    const privateKey = readFileSync(keyFile, 'utf8')
    const isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))
    return isPair ? { certificate, privateKey } : undefined
  } catch {
    return undefined
  }
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

interface Files {
  readonly ca: string
  readonly secret: string
}

function settingsOf({ endpoint }: AzureSimulator, rules: readonly DataCollectionRule[], { ca, secret }: Files): object {
  const { tenantId, clientId } = application
  return {
    endpoint,
    authorityHost: endpoint,
    allowAnyEndpoint: true,
    caFile: ca,
    ruleId: rules[0]?.immutableId,
    auth: { type: 'client-secret', tenantId, clientId, clientSecretFile: secret },
  }
}

function exampleOf({ endpoint }: AzureSimulator, rules: readonly DataCollectionRule[], files: Files): string {
  const { tenantId, clientId } = application
  return `agents:
  - id: sentinel
    sentinel:
      endpoint: ${endpoint}
      authorityHost: ${endpoint}
      allowAnyEndpoint: true
      caFile: ${JSON.stringify(files.ca)}
      ruleId: ${rules.map(({ immutableId }) => immutableId).join(' # or ')}
      auth:
        type: client-secret
        tenantId: ${tenantId}
        clientId: ${clientId}
        clientSecretFile: ${JSON.stringify(files.secret)}
`
}
