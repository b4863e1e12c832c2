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
  replayMarkOf,
  replaySenderGroup,
  replayStateTopic,
  replayTopic,
} from '@siem-relay/common'
import { followJobs, type JobWork, type Running, type World, writeJobs } from '@siem-relay/service-kit'
import { AgentSender } from './agent-sender.ts'
import { isSameDelivery } from './agent-senders.ts'
import { announceReplayMetrics, replayMetrics } from './replay-metrics.ts'
import type { Transport, TransportContext } from './transport.ts'

export interface ReplayOptions {
  /** All agents of the configuration, also those that are not enabled. */
  readonly agents: () => readonly AgentDefinition[]
  /** @throws {RelayError} what this machine cannot do for the agent. */
  readonly check: (agent: AgentDefinition) => void
  readonly createTransport: (
    agent: AgentDefinition,
    context: TransportContext,
    consoleMessagesPerSecondMax: number,
  ) => Transport
}

/** Follows the jobs from now on. */
export function startReplays(world: World, options: ReplayOptions): Promise<Running> {
  announceReplayMetrics(world.metrics, options.agents())
  const ownerId = `jobs/syslog-sender/${world.instanceId}`
  const end = (job: ReplayJob, changes: Partial<ReplayJob>): Promise<void> =>
    writeJobs(world, ownerId, [{ ...job, endedMs: world.clock.nowMs(), ...changes }])
  return followJobs(world, {
    begin: (job) => begin(job, world, options, end),
    ended: async (job) => {
      await clear(job, world)
      await writeJobs(world, ownerId, [{ ...job, isCleared: true }])
      world.log.info({ job: job.id, agent: job.agent, state: job.state }, 'replay cleared away')
    },
  })
}

type End = (job: ReplayJob, changes: Partial<ReplayJob>) => Promise<void>

async function begin(job: ReplayJob, world: World, options: ReplayOptions, end: End): Promise<JobWork | undefined> {
  const log = world.log.child({ job: job.id, agent: job.agent })
  const agent = options.agents().find(({ id }) => id === job.agent)
  try {
    if (agent === undefined)
      throw new RelayError('RELAY_CONFIG_INVALID', `the configuration has no agent ${job.agent} any more`)
    options.check(agent)
  } catch (error) {
    if (dispositionOf(error) !== 'stop') throw error
    const reason = error instanceof Error ? error.message : String(error)
    log.error({ reason }, 'replay failed')
    await end(job, { state: 'failed', reason: reason.slice(0, 500) })
    return undefined
  }
  await world.bus.ensureTopics([deadLettersTopic, topicOf(job)])
  const paced = pacedAgent(agent, job.messagesPerSecondMax)
  const sender = new AgentSender({
    agent: paced,
    world: { ...world, log },
    createTransport: (context) => options.createTransport(paced, context, job.messagesPerSecondMax),
    onStatus: () => undefined,
    input: {
      group: replaySenderGroup(job.id),
      topics: [topicOf(job)],
      ...(job.source === 'out' ? { stretches: job.stretches } : {}),
    },
    metrics: replayMetrics(world.metrics, agent.id),
    messagesPerSecondMax: paced.syslog?.messagesPerSecondMax ?? job.messagesPerSecondMax,
    ...(job.mark ? { mark: replayMarkOf(job.id) } : {}),
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
      const now = options.agents().find(({ id }) => id === agent.id)
      return now === undefined || !isSameDelivery(agent, now)
    },
    stop: (drainMs) => sender.stop(drainMs),
  }
}

function topicOf(job: ReplayJob): ReturnType<typeof outTopic> {
  return job.source === 'out' ? outTopic(job.agent) : replayTopic(job.id)
}

/** The agent at the pace of the job; its own pace counts too when it is slower. */
function pacedAgent(agent: AgentDefinition, messagesPerSecondMax: number): AgentDefinition {
  const { syslog } = agent
  if (syslog === undefined) return agent
  const pace = Math.min(syslog.messagesPerSecondMax ?? messagesPerSecondMax, messagesPerSecondMax)
  return { ...agent, syslog: { ...syslog, messagesPerSecondMax: pace } }
}

/** From raw records a job is delivered when all are formatted, and then everything formatted is delivered: in this order. */
async function isDelivered(job: ReplayJob, { bus }: World): Promise<boolean> {
  if (job.source === 'out')
    return progressOf(job.stretches, await bus.positions.of(replaySenderGroup(job.id), [topicOf(job)])).isDone
  const formatter = await bus.positions.of(replayFormatterGroup(job.id), rawTopicsOfJob(job))
  if (!progressOf(job.stretches, formatter).isDone) return false
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
