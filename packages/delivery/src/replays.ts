/** Replays: a job's messages on a connection of their own, at a pace of their own, for a group of their own, so that live
 *  delivery is not disturbed and a killed sender goes on where it was. Instances share a job's partitions; whichever sees first
 *  that all is delivered writes the job as done, and whichever comes last clears its groups and topics away. */
import { countRecords } from '@siem-relay/bus'
import {
  type AgentDefinition,
  deadLettersTopic,
  dispositionOf,
  outTopic,
  progressOf,
  RelayError,
  type ReplayJob,
  rawTopicsOfJob,
  replayFormatterGroup,
  replaySenderGroup,
  replayStateTopic,
  replayTopic,
} from '@siem-relay/common'
import { followJobs, type JobWork, type Running, type World, writeJobs } from '@siem-relay/service-kit'
import { isSameDelivery } from './agent-senders.ts'
import type { SenderKind } from './sender.ts'

/** Follows the jobs of the agents this service serves from now on. @param agents all of the configuration, also those not enabled. */
export function startReplays(
  world: World,
  kind: SenderKind,
  agents: () => readonly AgentDefinition[],
): Promise<Running> {
  const ownerId = `jobs/${kind.service}/${world.instanceId}`
  const end = (job: ReplayJob, changes: Partial<ReplayJob>): Promise<void> =>
    writeJobs(world, ownerId, [{ ...job, endedMs: world.clock.nowMs(), ...changes }])
  /** Jobs of agents nobody has any more are anybody's: each service may end and clear them. */
  const isOthers = (job: ReplayJob): boolean => {
    const agent = agents().find(({ id }) => id === job.agent)
    return agent !== undefined && !kind.serves(agent)
  }
  return followJobs(world, {
    begin: async (job) => (isOthers(job) ? undefined : begin(job, world, kind, agents, end)),
    ended: async (job) => {
      if (isOthers(job)) return
      await clear(job, world)
      await writeJobs(world, ownerId, [{ ...job, isCleared: true }])
      world.log.info({ job: job.id, agent: job.agent, state: job.state }, 'replay cleared away')
    },
  })
}

type End = (job: ReplayJob, changes: Partial<ReplayJob>) => Promise<void>

async function begin(
  job: ReplayJob,
  world: World,
  kind: SenderKind,
  agents: () => readonly AgentDefinition[],
  end: End,
): Promise<JobWork | undefined> {
  const log = world.log.child({ job: job.id, agent: job.agent })
  const agent = agents().find(({ id }) => id === job.agent)
  try {
    if (agent === undefined)
      throw new RelayError('RELAY_CONFIG_INVALID', `the configuration has no agent ${job.agent} any more`)
    kind.check(agent)
  } catch (error) {
    if (dispositionOf(error) !== 'stop') throw error
    const reason = error instanceof Error ? error.message : String(error)
    log.error({ reason }, 'replay failed')
    await end(job, { state: 'failed', reason: reason.slice(0, 500) })
    return undefined
  }
  await world.bus.ensureTopics([deadLettersTopic, topicOf(job)])
  const sender = kind.create({
    agent,
    world: { ...world, log },
    onStatus: () => undefined,
    replay: {
      input: {
        group: replaySenderGroup(job.id),
        topics: [topicOf(job)],
        ...(job.source === 'out' ? { stretches: job.stretches } : {}),
      },
      messagesPerSecondMax: job.messagesPerSecondMax,
      markedJob: job.mark ? job.id : undefined,
    },
  })
  const failed = sender.start()
  log.info({ records: job.records, source: job.source }, 'replay started')
  return {
    failed,
    review: async () => {
      if (!(await isDelivered(job, world))) return
      const replayed =
        job.source === 'out' ? job.records : await countRecords(world.bus, [topicOf(job)], await allOf(job, world))
      await end(job, { state: 'done', replayed })
      log.info({ replayed }, 'replay done')
    },
    isOutdated: () => {
      const now = agents().find(({ id }) => id === agent.id)
      return now === undefined || !kind.serves(now) || !isSameDelivery(kind, agent, now)
    },
    stop: (drainMs) => sender.stop(drainMs),
  }
}

function topicOf(job: ReplayJob): ReturnType<typeof outTopic> {
  return job.source === 'out' ? outTopic(job.agent) : replayTopic(job.id)
}

/** From raw records a job is delivered when all are formatted, and then everything formatted is delivered: in this order. Dead
 *  letters came with the job. */
async function isDelivered(job: ReplayJob, { bus }: World): Promise<boolean> {
  if (job.source === 'out')
    return progressOf(job.stretches, await bus.positions.of(replaySenderGroup(job.id), [topicOf(job)])).isDone
  if (job.source === 'raw') {
    const formatter = await bus.positions.of(replayFormatterGroup(job.id), rawTopicsOfJob(job))
    if (!progressOf(job.stretches, formatter).isDone) return false
  }
  const sender = await bus.positions.of(replaySenderGroup(job.id), [topicOf(job)])
  return sender.every(({ oldestPendingMs }) => oldestPendingMs === undefined)
}

async function allOf(job: ReplayJob, { bus }: World): Promise<ReplayJob['stretches']> {
  const positions = await bus.positions.of(replaySenderGroup(job.id), [topicOf(job)])
  return positions.map(({ topic, partition, start, end }) => ({ topic, partition, from: start, until: end }))
}

/** @throws {RelayError} `RELAY_USAGE` while a worker of the job still runs somewhere. */
async function clear(job: ReplayJob, { bus }: World): Promise<void> {
  await bus.positions.forget(replaySenderGroup(job.id))
  if (job.source === 'out') return
  await bus.positions.forget(replayFormatterGroup(job.id))
  await bus.deleteTopics([replayTopic(job.id).name, replayStateTopic(job.id).name])
}
