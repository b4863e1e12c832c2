/** Azure for a sender: Entra ID and the Logs Ingestion API on one port, over TLS with an authority of its own. Here is the
 *  order of things: a request is written down, a scripted fault may take over, else the service answers. */

import { createRandom } from '../data/random.ts'
import { type AzureApplication, Entra, monitorAudiences } from './entra.ts'
import { Exchange } from './exchange.ts'
import { AzureFaultScript, type AzureFaults } from './faults.ts'
import { Ingestion, type IngestionLimits } from './ingestion.ts'
import { type AzureTotals, type EarlyUpload, Ledger, type TokenLog, type UploadLog } from './ledger.ts'
import { type SimulatedMachine, startMachine } from './machine.ts'
import { type DataCollectionRule, readRules } from './rules.ts'
import { type ColumnLoss, type StoredRow, TableStore } from './table-store.ts'
import type { KeyPair } from './tls/authority.ts'
import { startTlsServer } from './tls/server.ts'

export interface AzureSimulatorOptions {
  readonly rules: readonly DataCollectionRule[]
  /** Who gets a token, and which rules its token may write to. */
  readonly credentials: readonly AzureApplication[]
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Names and addresses the certificate is for, beside 127.0.0.1, ::1 and localhost. */
  readonly names?: readonly string[]
  /** Default: a new one for every start. */
  readonly authority?: KeyPair
  /** The service's clock: TimeGenerated, expiry, budgets, the `Date` header. Certificates run on the real one. Default Date.now. */
  readonly nowMs?: () => number
  /** Life of a token; default 3599, as Entra answers. */
  readonly tokenSeconds?: number
  /** What tokens have to be for; default the public cloud's https://monitor.azure.com. */
  readonly audience?: (typeof monitorAudiences)[number]
  /** Defaults: 1,048,576 bytes on the wire, 50 MiB unpacked; 12,000 requests and 2 GB a minute for each rule. */
  readonly limits?: Partial<IngestionLimits>
  /** Default 404. */
  readonly unknownRuleStatus?: 400 | 404
  /** Default 400. */
  readonly unknownStreamStatus?: 400 | 404
  /** `ids` keeps how often each record was stored, and no rows; default `rows`. */
  readonly keep?: 'rows' | 'ids'
  /** Rows kept, the latest; default 100,000. */
  readonly rowsMax?: number
  /** Records counted by their id; default 2,000,000. */
  readonly idsMax?: number
  /** For the dice of faults; default 1. */
  readonly seed?: number
  /** Given the rows an upload brought, once they are stored and before it is answered; not with `keep: 'ids'`. */
  readonly onStored?: (rows: readonly StoredRow[]) => void | Promise<void>
}

export interface AzureSimulator extends AsyncDisposable {
  /** Where uploads go. */
  readonly endpoint: string
  /** Where tokens come from; the same origin. */
  readonly authorityHost: string
  /** PEM of the authority that signed the server's certificate. */
  readonly caCert: string
  readonly faults: AzureFaults
  /** What Azure has in its tables, the latest `rowsMax` rows, of one stream or of all. */
  stored(stream?: string): readonly StoredRow[]
  /** How often each record was stored. */
  readonly ids: ReadonlyMap<string, number>
  /** Rows that `ids` does not count: without an id, or beyond `idsMax`. */
  readonly rowsNotCounted: number
  /** Rows that are no longer among `stored()`. */
  readonly rowsForgotten: number
  /** Which columns lost something, in how many rows. */
  readonly columnLosses: readonly ColumnLoss[]
  readonly totals: AzureTotals
  /** The latest 10,000 of each, oldest first. */
  readonly requests: readonly UploadLog[]
  readonly tokenRequests: readonly TokenLog[]
  readonly earlyUploads: readonly EarlyUpload[]
  /** Opens what hands out tokens on a machine that has this application as its identity, and the others for the asking. */
  startMachine(clientId: string): Promise<SimulatedMachine>
  /** Ends the lives of all tokens issued so far. */
  expireTokens(): void
  /** Closes the port and every connection, also those that hang. */
  stop(): Promise<void>
}

const limitsDefault: IngestionLimits = {
  wireBytesMax: 1_048_576,
  rawBytesMax: 50 * 1024 * 1024,
  requestsPerMinute: 12_000,
  bytesPerMinute: 2_000_000_000,
}

/**
 * @throws {TypeError} for a rule Azure would have refused.
 * @throws {Error} when the port is taken.
 */
export async function startAzureSimulator(options: AzureSimulatorOptions): Promise<AzureSimulator> {
  const nowMs = options.nowMs ?? Date.now
  const limits = { ...limitsDefault, ...options.limits }
  const store = new TableStore({
    keep: options.keep ?? 'rows',
    rowsMax: options.rowsMax ?? 100_000,
    idsMax: options.idsMax ?? 2_000_000,
  })
  const entra = new Entra({ applications: options.credentials, tokenSeconds: options.tokenSeconds ?? 3599, nowMs })
  const faults = new AzureFaultScript(nowMs, createRandom(options.seed ?? 1))
  const ledger = new Ledger()
  const ingestion = new Ingestion({
    rules: readRules(options.rules),
    entra,
    store,
    faults,
    limits,
    audience: options.audience ?? monitorAudiences[0],
    unknownRuleStatus: options.unknownRuleStatus ?? 404,
    unknownStreamStatus: options.unknownStreamStatus ?? 400,
    nowMs,
  })
  const exchange = new Exchange({
    entra,
    ingestion,
    faults,
    ledger,
    wireBytesMax: limits.wireBytesMax,
    onStored: options.onStored,
    nowMs,
  })
  const server = await startTlsServer({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    names: options.names ?? [],
    authority: options.authority,
    handle: (request, line) => exchange.handle(request, line),
  })
  return {
    endpoint: server.origin,
    authorityHost: server.origin,
    caCert: server.caCert,
    faults,
    stored: (stream) => store.rows(stream),
    ids: store.ids,
    get rowsNotCounted() {
      return store.rowsNotCounted
    },
    get rowsForgotten() {
      return store.rowsForgotten
    },
    get columnLosses() {
      return store.columnLosses
    },
    totals: ledger.totals,
    requests: ledger.uploads,
    tokenRequests: ledger.tokenRequests,
    earlyUploads: ledger.earlyUploads,
    startMachine: (clientId) => startMachine(entra, clientId),
    expireTokens: () => entra.expireTokens(),
    stop: server.stop,
    [Symbol.asyncDispose]: server.stop,
  }
}
