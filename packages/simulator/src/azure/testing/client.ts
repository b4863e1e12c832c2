/** What the tests of Azure's side share: a rule, applications, and a plain HTTPS client that trusts the simulator's authority. */
import { gzipSync } from 'node:zlib'
import { Agent, type Dispatcher, request } from 'undici'
import { type AzureSimulator, type AzureSimulatorOptions, startAzureSimulator } from '../azure-simulator.ts'
import type { DataCollectionRule, StreamDeclaration } from '../rules.ts'

export const ruleId = `dcr-${'0123456789abcdef'.repeat(2)}`
export const otherRuleId = `dcr-${'f'.repeat(32)}`
export const stream = 'Custom-McasDiscovery'
export const application = { tenantId: 'contoso', clientId: 'relay', clientSecret: 's3cret' }
export const stranger = { tenantId: 'contoso', clientId: 'stranger', clientSecret: 'hidden', roles: [] }
export const receivedMs = Date.UTC(2026, 10, 24, 12)
export const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

export const discovery: StreamDeclaration = {
  outputStream: 'Custom-McasShadowItReporting_CL',
  columns: [
    { name: 'TimeGenerated', type: 'datetime' },
    { name: 'RecordId', type: 'string' },
    { name: 'AppName', type: 'string' },
    { name: 'TotalBytes', type: 'long' },
    { name: 'AppTags', type: 'dynamic' },
  ],
}
export const rule: DataCollectionRule = { immutableId: ruleId, streams: { [stream]: discovery } }

interface Reply {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly text: string
  /** `error.code` of an error. */
  readonly code: string | undefined
}

interface UploadOptions {
  readonly token?: string | undefined
  readonly rule?: string
  readonly stream?: string
  readonly query?: string
  readonly method?: 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly isGzip?: boolean
  readonly signal?: AbortSignal
}

export interface AzureForTest extends AsyncDisposable {
  readonly azure: AzureSimulator
  /** A token of `application`, asked for once. */
  token(): Promise<string>
  ask(path: string, options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>): Promise<Reply>
  askToken(form: Readonly<Record<string, string>>, tenantId?: string): Promise<Reply>
  /** @param body rows, or text or bytes to send as they are. */
  upload(body: unknown, options?: UploadOptions): Promise<Reply>
}

export function startForTest(options: Partial<AzureSimulatorOptions> = {}): Promise<AzureForTest> {
  return connect(
    startAzureSimulator({ rules: [rule], credentials: [application, stranger], nowMs: () => receivedMs, ...options }),
  )
}

async function connect(starting: Promise<AzureSimulator>): Promise<AzureForTest> {
  const azure = await starting
  const dispatcher = new Agent({ connect: { ca: azure.caCert } })
  let token: Promise<string> | undefined

  const ask: AzureForTest['ask'] = async (path, options) => {
    const { statusCode, headers, body } = await request(`${azure.endpoint}${path}`, { dispatcher, ...options })
    const text = await body.text()
    return { status: statusCode, headers, text, code: codeOf(text) }
  }
  const askToken: AzureForTest['askToken'] = (form, tenantId = application.tenantId) =>
    ask(`/${tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
  const getToken = (): Promise<string> => {
    token ??= askToken(secretForm()).then(({ text }) => (JSON.parse(text) as { access_token: string }).access_token)
    return token
  }
  return {
    azure,
    token: getToken,
    ask,
    askToken,
    upload: async (body, options = {}) => {
      const plain = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
      const presented = 'token' in options ? options.token : await getToken()
      const query = options.query ?? 'api-version=2023-01-01'
      return ask(`/dataCollectionRules/${options.rule ?? ruleId}/streams/${options.stream ?? stream}?${query}`, {
        method: options.method ?? 'POST',
        headers: {
          'content-type': 'application/json',
          ...(presented === undefined ? {} : { authorization: `Bearer ${presented}` }),
          ...(options.isGzip ? { 'content-encoding': 'gzip' } : {}),
          ...options.headers,
        },
        body: options.isGzip ? gzipSync(plain) : plain,
        signal: options.signal ?? null,
      })
    },
    [Symbol.asyncDispose]: async () => {
      await dispatcher.destroy()
      await azure.stop()
    },
  }
}

export function secretForm(change: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    grant_type: 'client_credentials',
    client_id: application.clientId,
    client_secret: application.clientSecret,
    scope: 'https://monitor.azure.com/.default',
    ...change,
  }
}

export function rowsOf(...ids: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  return ids.map((id) => ({ RecordId: id, TimeGenerated: new Date(receivedMs).toISOString(), AppName: 'Box' }))
}

function codeOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { code?: string } } | null)?.error?.code
  } catch {
    return undefined
  }
}
