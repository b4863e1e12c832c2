export { inputsOf } from './agent-plan.ts'
export type { FormatterConfig } from './config.ts'
export { start } from './start.ts'
