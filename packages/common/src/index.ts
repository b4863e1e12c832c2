export * from './agent.ts'
export * from './agent-protocol/messages.ts'
export {
  type CarriedRecord,
  decodeWireRecord,
  encodeWireRecord,
  type WireBatch,
  type WireRecord,
} from './agent-protocol/records.ts'
export { agentOfToken } from './agent-protocol/token.ts'
export { cefField, cefPrefix, encodeCef } from './cef/message.ts'
export { type ParsedCef, parseCef } from './cef/parse.ts'
export { type CefLine, type CefProfile, createCefProfile } from './cef/profile.ts'
export { markReplayed, type ReplayMark, replayMarkOf } from './cef/replay-mark.ts'
export { nameTwin, twinNameBytesMax } from './cef/twin-name.ts'
export type * from './clock.ts'
export { type SeenChange, SeenIds, type SeenIdsOptions } from './dedup/seen-ids.ts'
export { bareAlertId } from './dedup/twin-keys.ts'
export { type TwinEvidence, Twins } from './dedup/twins.ts'
export {
  type DiscoveryColumn,
  type DiscoveryReading,
  type DiscoveryRow,
  discoveryColumnOf,
  discoveryColumns,
  discoverySourceSystem,
  discoveryType,
  readDiscoveryRow,
} from './discovery/row.ts'
export { discoveryRowId } from './discovery/row-id.ts'
export * from './errors.ts'
export type * from './events.ts'
export { type CompiledFilter, checkFilter, compileFilter } from './filter/compile.ts'
export { type ExplainedClause, type Explanation, explainFilter } from './filter/explain.ts'
export { FilterError, type FilterProblem } from './filter/problems.ts'
export { type FilterFieldReference, filterOperatorReference, filterReference } from './filter/reference.ts'
export { type FilterDefinition, filterSchema } from './filter/schema.ts'
export { clientAddress } from './ip.ts'
export * from './jobs.ts'
export { type HuntingRow, splitHuntingRows } from './json/hunting-rows.ts'
export { type ODataPage, type ODataRecord, splitODataPage } from './json/odata-page.ts'
export { type Page, type PageRecord, splitPage } from './json/page.ts'
export { lineBytesMaxOf } from './line-bytes.ts'
export { cloudAppEventId, normalizeCloudAppEvent } from './normalize/cloud-app-event.ts'
export { normalizeDefenderActivity } from './normalize/defender-activity.ts'
export { normalizeDefenderAlert } from './normalize/defender-alert.ts'
export { type NormalizeInput, normalize, type RecordShape } from './normalize/normalize.ts'
export type { Origin } from './normalize/origin.ts'
export { type Fields, fieldsOf, integerOf, textOf, textsOf, timeOf } from './normalize/values.ts'
export { allowCidrsDefault, type OutboundRules, refusedAddress } from './outbound-address.ts'
export * from './pipeline.ts'
export { printable, printableJson } from './printable.ts'
export { parseProxy, proxySetting } from './proxy-address.ts'
export { problemOfRow, rowSchemas } from './sentinel/check.ts'
export {
  type SentinelColumn,
  type SentinelRow,
  type SentinelTable,
  type SentinelType,
  sentinelTables,
} from './sentinel/schema.ts'
export { authorityOf, azureClouds, type SentinelDestination, windowBytesMaxOf } from './sentinel/settings.ts'
export * from './source-status.ts'
export * from './stored-agent.ts'
export * from './syslog/index.ts'
export { tenantsOf } from './tenants.ts'
export * from './topics.ts'
