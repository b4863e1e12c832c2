/** A stand-in for Microsoft over real HTTP: Defender for Cloud Apps' API with its paging, limits and record shapes, Entra's
 *  token endpoint, records that are generated or taken from the specification's samples, and faults to order. */

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
