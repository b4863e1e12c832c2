/** Starts a sender for one agent `siem` against a fake bus, with short times. */
import { type AgentDefinition, agentSchema, type Clock } from '@siem-relay/common'
import type { AgentStatus, RunningSenders } from '@siem-relay/delivery'
import { FakeBus } from '@siem-relay/delivery/testing'
import { systemClock, type World } from '@siem-relay/service-kit'
import { metricSum, testWorld } from '@siem-relay/service-kit/testing'
import { vi } from 'vitest'
import type { z } from 'zod'
import { type SyslogSenderOptions, start } from '../start.ts'

type AgentInput = z.input<typeof agentSchema>

export interface SenderUnderTest extends AsyncDisposable {
  readonly running: RunningSenders
  readonly bus: FakeBus
  readonly world: World
  readonly logged: () => string
  readonly status: () => AgentStatus
  /** Gives lines to partition 0 of the agent. */
  readonly give: (lines: readonly (string | Buffer)[], partition?: number) => Promise<void>
  /** Records of partition 0 that the bus would commit. */
  readonly committed: () => number
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
}

export interface SenderTestOptions extends SyslogSenderOptions {
  readonly agent?: Partial<AgentInput>
  readonly syslog?: Partial<NonNullable<AgentInput['syslog']>> & { readonly port: number }
  readonly clock?: Clock
}

type Syslog = NonNullable<SenderTestOptions['syslog']>

/** Times that make a test short; a test of a time sets its own. */
const shortTimes = { settleMs: { tcp: 0, tls: 30 }, tcpAckSettleMs: 30, idleReopenMs: 10, lookMs: 10, slowRetryMs: 20 }

export async function startSender(options: SenderTestOptions): Promise<SenderUnderTest> {
  const bus = new FakeBus()
  const base = testWorld({ bus })
  const world: World = { ...base, clock: options.clock ?? systemClock }
  const agent: AgentDefinition = agentSchema.parse({
    id: 'siem',
    ...(options.syslog && { syslog: { host: '127.0.0.1', ...options.syslog } }),
    ...options.agent,
  })
  const tuning = { ...shortTimes, ...options.tuning }
  const running = await start({ agents: [agent] }, world, { ...options, tuning })
  return {
    running,
    bus,
    world,
    logged: () => JSON.stringify(base.entries),
    status: () => {
      const [status] = running.status()
      if (status === undefined) throw new Error('the agent has no status')
      return status
    },
    give: (lines, partition) => bus.give('siem', lines, partition),
    committed: () => bus.partition('siem').committed,
    metric: (name, labels) => metricSum(world.metrics, name, labels),
    [Symbol.asyncDispose]: () => running.stop(0),
  }
}

export function startRelpSender(
  port: number,
  syslog: Partial<Syslog> = {},
  options: Partial<SenderTestOptions> = {},
): Promise<SenderUnderTest> {
  return startSender({ syslog: { port, protocol: 'relp', ...syslog }, ...options })
}

export function cefLine(number: number, partition = 0): string {
  return `CEF:0|MCAS|SIEM_Agent|1.0|EVENT_CATEGORY_LOGIN|Log on|0|externalId=${partition}-${number} msg=${'x'.repeat(number % 200)}`
}

export function cefLines(count: number, partition = 0): string[] {
  return Array.from({ length: count }, (_, number) => cefLine(number, partition))
}

/** How many of the lines came before. */
export function repeatsIn(lines: readonly string[]): number {
  return lines.length - new Set(lines).size
}

/** Waits for a fact; its failure is the test's. */
export function eventually(fact: () => void | Promise<void>, timeoutMs = 15_000): Promise<void> {
  return vi.waitFor(fact, { timeout: timeoutMs, interval: 5 })
}
