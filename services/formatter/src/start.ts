/** The formatter: raw records in, messages out, one group per agent. The loop is the bus's stage; what becomes of a record is
 *  decided by the pipeline in packages/common. */
import type { Worker } from '@siem-relay/bus'
import { deadLettersTopic, discardedTopic, formatterGroup, formatterStateTopic, outTopic } from '@siem-relay/common'
import { IdleGroups, type Reconfigurable, type Running, type World } from '@siem-relay/service-kit'
import { type AgentPlan, idleInputsOf, isSamePlan, planOf } from './agent-plan.ts'
import type { FormatterConfig } from './config.ts'
import { createFormatterMetrics, createHeldGauge } from './metrics.ts'
import { openPartition, type PartitionOptions } from './partition.ts'
import { batchMax, startReplays } from './replays.ts'

const dayMs = 86_400_000

interface Formatting {
  readonly plan: AgentPlan
  readonly worker: Worker
}

/** Starts formatting for every enabled agent. Rejects nothing later: trouble with the log is retried by the bus and shows in the log and metrics. */
export async function start(config: FormatterConfig, world: World): Promise<Reconfigurable<FormatterConfig>> {
  const running = new Map<string, Formatting>()
  const idle = new IdleGroups(world, 'formatter')
  let inForce = config
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
    inForce = next
  }

  async function stop(): Promise<void> {
    await Promise.all([replays?.stop(0), idle.stop(), ...Array.from(running.values(), ({ worker }) => worker.stop())])
  }

  let replays: Running | undefined
  await using starting = new AsyncDisposableStack()
  starting.defer(stop)
  await update(config)
  replays = await startReplays(world, {
    plan: (id) => {
      const agent = inForce.agents.find((one) => one.id === id)
      return agent && planOf(agent, inForce)
    },
    partitionOptions: (plan) => partitionOptions(plan, world),
  })
  replays.failed.catch(fail)
  starting.move()
  return { failed, check: () => undefined, update, stop, [Symbol.asyncDispose]: stop }
}

function startAgent(plan: AgentPlan, lookbackMs: number, world: World): Worker {
  const { agent, inputs } = plan
  const log = world.log.child({ service: 'formatter', agent: agent.id })
  const count = createFormatterMetrics(world.metrics, agent.id)
  const held = createHeldGauge(world.metrics, agent.id)
  const worker = world.bus.stage({
    group: formatterGroup(agent.id),
    inputs,
    stateTopic: formatterStateTopic(agent.id),
    startAtMs: world.clock.nowMs() - lookbackMs,
    ...batchMax,
    open: (assignment) => openPartition(assignment, { ...partitionOptions(plan, world), count, held }),
    onError: (error) => log.warn({ err: error }, 'formatting was interrupted and is tried again'),
  })
  log.info({ inputs: inputs.map(({ name }) => name) }, 'formatting started')
  return worker
}

function partitionOptions(
  { agent, defaultVersion, lineBytesMax }: AgentPlan,
  { clock }: World,
): Omit<PartitionOptions, 'count'> {
  return { agent, defaultVersion, bytesMax: lineBytesMax, nowMs: () => clock.nowMs() }
}
