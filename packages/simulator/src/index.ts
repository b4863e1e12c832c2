/** A stand-in for Microsoft over real HTTP: Defender for Cloud Apps' API with its paging, limits and record shapes, Entra's
 *  token endpoint, records that are generated or taken from the specification's samples, and faults to order; over TLS Azure
 *  Monitor's Logs Ingestion API with tokens of its own. */

export {
  type AzureSimulator,
  type AzureSimulatorOptions,
  startAzureSimulator,
} from './azure/azure-simulator.ts'
export type { AzureApplication } from './azure/entra.ts'
export type { AzureFault, AzureFaultOptions, AzureFaults, WaitingAzureFault } from './azure/faults.ts'
export type { AzureTotals, EarlyUpload, TokenLog, UploadLog } from './azure/ledger.ts'
export type { MachineRequest, SimulatedMachine } from './azure/machine.ts'
export { readRuleTemplate } from './azure/rule-template.ts'
export type { Column, ColumnType, DataCollectionRule, StreamDeclaration } from './azure/rules.ts'
export type { ColumnLoss, StoredRow } from './azure/table-store.ts'
export { createAuthority, issueServerCertificate, type KeyPair } from './azure/tls/authority.ts'
export { createGenerator, type Generator } from './data/generator.ts'
export type { ActivityRecord, AlertEntity, AlertRecord, EventObject, RecordKind } from './data/records.ts'
export { type SampleLine, sampleLines, sampleRecords } from './data/samples.ts'
export { createScenario, type ScenarioRecord } from './data/scenario.ts'
export { createTimeline, type Published, type Timeline, type TimelineOptions } from './data/timeline.ts'
export type { Store } from './defender/store.ts'
export { defenderResource, graphResource, type OauthOptions } from './entra/token-endpoint.ts'
export type { Fault, FaultOptions, Faults, RetryAfter } from './faults/fault.ts'
export type { GraphAlertOptions } from './graph/alert-routes.ts'
export type { GraphAlertRecord, GraphAlertStore } from './graph/alert-store.ts'
export type { DiscoveryApp, DiscoveryStore, DiscoveryStream, DiscoveryTraffic } from './graph/discovery-store.ts'
export type { RequestLog, Violation } from './http/request-log.ts'
export { type Simulator, type SimulatorOptions, startSimulator } from './simulator.ts'
