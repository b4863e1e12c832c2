/** Replays from raw records: a job's stretches of the raw log go through today's configuration into a topic of the job's own, which
 *  a sender delivers. The state is the job's too, so a record that comes twice within the stretches leaves once, whatever live
 *  formatting has seen. */
import { type ReplayJob, rawTopicsOfJob, replayFormatterGroup, replayStateTopic, replayTopic } from '@siem-relay/common'
import { counter, followJobs, type JobWork, type Running, type World } from '@siem-relay/service-kit'
import { type AgentPlan, isSamePlan } from './agent-plan.ts'
import type { CountBatch } from './metrics.ts'
import { openPartition, type PartitionOptions } from './partition.ts'

/** Of one input partition, live or replayed. */
export const batchMax = { batchRecordsMax: 1_000, batchBytesMax: 2_097_152 } as const

export interface ReplayOptions {
  /** By the configuration in force, also for an agent that is not enabled; undefined for one it does not have. */
  readonly plan: (agent: string) => AgentPlan | undefined
  readonly partitionOptions: (plan: AgentPlan) => Omit<PartitionOptions, 'count'>
}

/** Follows the jobs from now on. */
export function startReplays(world: World, options: ReplayOptions): Promise<Running> {
  const count = countReplays(world)
  return followJobs(world, {
    begin: async (job) => {
      if (job.source !== 'raw') return undefined
      const plan = options.plan(job.agent)
      // Its sender says so and ends the job.
      if (plan === undefined) return undefined
      const work = await begin(job, world, { ...options.partitionOptions(plan), count: count(job.agent) })
      const isOutdated = (): boolean => {
        const now = options.plan(job.agent)
        return now === undefined || !isSamePlan(plan, now)
      }
      return { ...work, isOutdated }
    },
  })
}

async function begin(job: ReplayJob, { bus, log }: World, options: PartitionOptions): Promise<JobWork> {
  const topic = replayTopic(job.id)
  await bus.ensureTopics([topic])
  const worker = bus.stage({
    group: replayFormatterGroup(job.id),
    inputs: rawTopicsOfJob(job),
    stretches: job.stretches,
    stateTopic: replayStateTopic(job.id),
    ...batchMax,
    open: (assignment) => openPartition(assignment, { ...options, replayTopic: topic.name }),
    onError: (error) => log.warn({ job: job.id, err: error }, 'formatting a replay was interrupted and is tried again'),
  })
  return { failed: worker.failed, stop: () => worker.stop() }
}

function countReplays({ metrics }: World): (agent: string) => CountBatch {
  const records = counter(metrics, {
    name: 'siem_relay_replay_records_total',
    help: 'Raw records that replays have decided on, by what became of them; not among those of live formatting.',
    labels: ['agent', 'outcome'],
  })
  return (agent) =>
    (_kind, { formatted, filtered, repeated, duplicates, received }) => {
      records.inc({ agent, outcome: 'formatted' }, formatted)
      records.inc({ agent, outcome: 'discarded' }, filtered + repeated + duplicates)
      records.inc({ agent, outcome: 'invalid' }, received - formatted - filtered - repeated - duplicates)
    }
}
