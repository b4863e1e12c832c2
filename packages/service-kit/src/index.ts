export { type Admin, type AdminOptions, startAdmin } from './admin.ts'
export { systemClock } from './clock.ts'
export { findingsOf } from './config/issues.ts'
export { type JsonSchemaNames, jsonSchemaOf } from './config/json-schema.ts'
export { type LoadedConfig, type LoadOptions, loadConfig, type Origins } from './config/load.ts'
export { ConfigError, type Problem } from './config/problems.ts'
export { type FileText, type ReadFile, readTextFile } from './config/read-file.ts'
export { renderConfig } from './config/render.ts'
export { isSameConfig } from './config/same.ts'
export { Secret, secret, withoutCredentials } from './config/secret.ts'
export { nextChange, stampOf } from './config/watch.ts'
export { followJobs, type JobHandler, type JobWork, jobsOf, writeJobs } from './follow-jobs.ts'
export { createHealth, type Health, type HealthReport } from './health.ts'
export { type IdleGroup, IdleGroups } from './idle-groups.ts'
export { brokersSetting, kafkaTlsOf, kafkaTlsSettings } from './kafka-settings.ts'
export {
  exitCodeOf,
  type ProcessLike,
  type ProcessOptions,
  type ProcessWork,
  runProcess,
  type StartContext,
} from './lifecycle.ts'
export { formatListen, type Listen, listenError, listenSchema, parseListen } from './listen.ts'
export { createLogger, type LoggerSettings, type LogLevel, logLevels } from './logging.ts'
export {
  counter,
  createMetrics,
  delayBuckets,
  durationBuckets,
  type GaugeSpec,
  gauge,
  histogram,
  type MetricSpec,
} from './metrics.ts'
export { type BackoffPolicy, backoffMs, type RetryOptions, type RetryPolicy, retry } from './retry.ts'
export { StatusPublisher } from './status-publisher.ts'
export { type Budget, createBudget } from './token-bucket.ts'
export type * from './world.ts'
