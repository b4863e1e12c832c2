export { countRecords } from './count-records.ts'
export {
  type ForeignBatch,
  type ForeignBounds,
  type ForeignLog,
  type ForeignLogOptions,
  type ForeignReader,
  type ForeignRecord,
  openForeignLog,
} from './kafka/foreign/foreign-log.ts'
export { type KafkaBus, openKafkaBus } from './kafka/open.ts'
export type { KafkaBusEvent, KafkaBusOptions } from './kafka/options.ts'
export { lastRecords } from './last-records.ts'
export { makeDirectory } from './make-directory.ts'
export type * from './port.ts'
export { openSqliteBus, type SqliteBus } from './sqlite/open.ts'
export type { DiskMargin, DiskSpace, SqliteBusEvent, SqliteBusOptions, SqliteBusStats } from './sqlite/options.ts'
