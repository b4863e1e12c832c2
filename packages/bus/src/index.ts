export { makeDirectory } from './make-directory.ts'
export type * from './port.ts'
export { openSqliteBus, type SqliteBus } from './sqlite/open.ts'
export type { DiskSpace, SqliteBusEvent, SqliteBusOptions, SqliteBusStats } from './sqlite/options.ts'
