/** The formatter: raw records in, messages out, one group per agent. The loop is the bus's stage; what becomes of a record is
 *  decided by the pipeline in packages/common. */
import type { Worker } from '@siem-relay/bus'
import { deadLettersTopic, discardedTopic, formatterGroup, formatterStateTopic, outTopic } from '@siem-relay/common'
import { IdleGroups, type Reconfigurable, type World } from '@siem-relay/service-kit'
import { type AgentPlan, idleInputsOf, isSamePlan, planOf } from './agent-plan.ts'
import type { FormatterConfig } from './config.ts'
import { createFormatterMetrics } from './metrics.ts'
import { openPartition } from './partition.ts'

const dayMs = 86_400_000
const batchRecordsMax = 500
const batchBytesMax = 1_048_576

interface Formatting {
  readonly plan: AgentPlan
  readonly worker: Worker
}

/** Starts formatting for every enabled agent. Rejects nothing later: trouble with the log is retried by the bus and shows in the log and metrics. */
export async function start(config: FormatterConfig, world: World): Promise<Reconfigurable<FormatterConfig>> {
  const running = new Map<string, Formatting>()
  const idle = new IdleGroups(world, 'formatter')
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => undefined)

  async function update(next: FormatterConfig): Promise<void> {
    const plans = next.agents.map((agent) => planOf(agent, next)).filter(({ inputs }) => inputs.length > 0)
    const isKept = ({ plan }: Formatting): boolean => plans.some((wanted) => isSamePlan(plan, wanted))
    const ending = [...running].filter(([, one]) => !isKept(one))
    await Promise.all(
      ending.map(async ([id, { worker }]) => {
        await worker.stop()
        running.delete(id)
        world.log.info({ service: 'formatter', agent: id }, 'formatting stopped')
      }),
    )
    await idle.update(
      next.agents
        .map((agent) => ({
          agent: agent.id,
          group: formatterGroup(agent.id),
          topics: idleInputsOf(agent, next.tenants),
        }))
        .filter(({ topics }) => topics.length > 0),
    )
    // Its sender may be another process, and start later.
    const outputs = plans.map(({ agent }) => outTopic(agent.id))
    await world.bus.ensureTopics([...outputs, discardedTopic, deadLettersTopic])
    for (const plan of plans) {
      const { id } = plan.agent
      if (running.has(id)) continue
      const worker = startAgent(plan, next.lookbackMs ?? 2 * dayMs, world)
      worker.failed.catch(fail)
      running.set(id, { plan, worker })
    }
  }

  async function stop(): Promise<void> {
    await Promise.all([idle.stop(), ...Array.from(running.values(), ({ worker }) => worker.stop())])
  }

  await update(config)
  return { failed, check: () => undefined, update, stop, [Symbol.asyncDispose]: stop }
}

function startAgent(
  { agent, inputs, lineBytesMax, defaultVersion }: AgentPlan,
  lookbackMs: number,
  world: World,
): Worker {
  const log = world.log.child({ service: 'formatter', agent: agent.id })
  const count = createFormatterMetrics(world.metrics, agent.id)
  const worker = world.bus.stage({
    group: formatterGroup(agent.id),
    inputs,
    stateTopic: formatterStateTopic(agent.id),
    startAtMs: world.clock.nowMs() - lookbackMs,
    batchRecordsMax,
    batchBytesMax,
    open: (assignment) =>
      openPartition(assignment, {
        agent,
        defaultVersion,
        bytesMax: lineBytesMax,
        nowMs: () => world.clock.nowMs(),
        count,
      }),
    onError: (error) => log.warn({ err: error }, 'formatting was interrupted and is tried again'),
  })
  log.info({ inputs: inputs.map(({ name }) => name) }, 'formatting started')
  return worker
}
