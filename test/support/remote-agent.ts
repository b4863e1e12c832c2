/** A `siem-relay agent` in this process, as its command composes it, with short times. */
import { createHealth, createMetrics, systemClock } from '@siem-relay/service-kit'
import { type LogEntry, memoryLogger } from '@siem-relay/service-kit/testing'
import { type RemoteAgentOptions, startRemoteAgent } from '../../app/src/remote-agent/remote-agent.ts'

const shortTimes = {
  backoff: { minMs: 20, maxMs: 200 },
  gapMs: 2,
  heartbeatMs: 500,
  standByMs: 100,
  refusedMsMin: 150,
  lookMs: 20,
  ordersMs: 200,
}

export interface TestAgent extends AsyncDisposable {
  readonly entries: readonly LogEntry[]
  readonly failed: Promise<never>
  /** Whether something was logged with these words. */
  said(words: RegExp): boolean
  stop(drainMs: number): Promise<void>
}

export async function startTestAgent(
  options: Pick<RemoteAgentOptions, 'portal' | 'token'> & Partial<RemoteAgentOptions>,
): Promise<TestAgent> {
  const { log, entries } = memoryLogger()
  const running = await startRemoteAgent({
    env: {},
    version: '0.0.0-test',
    log,
    metrics: createMetrics({ version: '0.0.0-test' }),
    health: createHealth(),
    clock: systemClock,
    random: Math.random,
    hostName: 'siem-host',
    ...options,
    tuning: { ...shortTimes, ...options.tuning },
  })
  return {
    entries,
    failed: running.failed,
    said: (words) => entries.some((entry) => words.test(JSON.stringify(entry))),
    stop: (drainMs) => running.stop(drainMs),
    [Symbol.asyncDispose]: () => running.stop(0),
  }
}
