/** A world for tests: time that stands still, reproducible chance, logs and metrics in memory. The bus is passed in. */
import { Registry } from 'prom-client'
import { createHealth, type Health } from '../health.ts'
import type { World } from '../world.ts'
import { FakeClock } from './fake-clock.ts'
import { type LogEntry, memoryLogger } from './memory-logger.ts'

export interface TestWorld extends World {
  readonly clock: FakeClock
  readonly health: Health
  /** What was logged, oldest first; empty when `log` was passed in. */
  readonly entries: readonly LogEntry[]
}

/** @param overrides the bus, and whatever else the test wants to be its own. */
export function testWorld(overrides: Pick<World, 'bus'> & Partial<Omit<TestWorld, 'bus' | 'entries'>>): TestWorld {
  const clock = overrides.clock ?? new FakeClock()
  const { log, entries } = memoryLogger({ clock })
  return {
    log,
    entries,
    random: seededRandom(1),
    metrics: new Registry(),
    hostName: 'relay-host',
    instanceId: 'test-1',
    health: createHealth(),
    ...overrides,
    clock,
  }
}

/** Uniform in [0, 1), the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
