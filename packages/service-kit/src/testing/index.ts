/** What tests of services need: `import { testWorld } from '@siem-relay/service-kit/testing'`. */
export { FakeClock } from './fake-clock.ts'
export { type LogEntry, type MemoryLogger, memoryLogger } from './memory-logger.ts'
export { metricSum } from './metric-sum.ts'
export { seededRandom, type TestWorld, testWorld } from './test-world.ts'
