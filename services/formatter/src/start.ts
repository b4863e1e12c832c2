/** The formatter: raw records in, messages out, one group per agent. The loop is the bus's stage; what becomes of a record is
 *  decided by the pipeline in packages/common. */
import type { Worker } from '@siem-relay/bus'
import {
  type AgentDefinition,
  formatterGroup,
  formatterStateTopic,
  headerBytesMax,
  messageBytesMaxOf,
  rawTopicsOf,
} from '@siem-relay/common'
import type { Running, World } from '@siem-relay/service-kit'
import type { FormatterConfig } from './config.ts'
import { createFormatterMetrics } from './metrics.ts'
import { openPartition, type PartitionOptions } from './partition.ts'
import { batchMax, startReplays } from './replays.ts'

const dayMs = 86_400_000
/** The longest line on a terminal. */
const consoleBytesMax = 65_536
/** The sender may run on another machine: the longest name a header can hold (RFC 5424 §6). */
const longestHostName = 'x'.repeat(255)

/** Starts formatting for every enabled agent. Rejects nothing later: trouble with the log is retried by the bus and shows in the log and metrics. */
export async function start(config: FormatterConfig, world: World): Promise<Running> {
  const replays = await startReplays(world, {
    agents: () => config.agents,
    partitionOptions: (agent) => partitionOptions(agent, config, world),
  })
  const workers = config.agents.filter((agent) => agent.enabled).map((agent) => startAgent(agent, config, world))
  return {
    failed: Promise.race([...workers.map((worker) => worker.failed), replays.failed]),
    stop: async () => {
      await Promise.all([replays.stop(0), ...workers.map((worker) => worker.stop())])
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([replays.stop(0), ...workers.map((worker) => worker[Symbol.asyncDispose]())])
    },
  }
}

function startAgent(agent: AgentDefinition, config: FormatterConfig, world: World): Worker {
  const log = world.log.child({ service: 'formatter', agent: agent.id })
  const count = createFormatterMetrics(world.metrics, agent.id)
  const worker = world.bus.stage({
    group: formatterGroup(agent.id),
    inputs: rawTopicsOf(agent, config.tenants),
    stateTopic: formatterStateTopic(agent.id),
    startAtMs: world.clock.nowMs() - (config.lookbackMs ?? 2 * dayMs),
    ...batchMax,
    open: (assignment) => openPartition(assignment, { ...partitionOptions(agent, config, world), count }),
    onError: (error) => log.warn({ err: error }, 'formatting was interrupted and is tried again'),
  })
  log.info({ tenants: agent.tenants ?? config.tenants }, 'formatting started')
  return worker
}

function partitionOptions(
  agent: AgentDefinition,
  config: FormatterConfig,
  world: World,
): Omit<PartitionOptions, 'count'> {
  return {
    agent,
    defaultVersion: config.version,
    bytesMax: lineBytesMax(agent),
    nowMs: () => world.clock.nowMs(),
  }
}

/** What the destination takes, less the header its sender puts in front. */
function lineBytesMax(agent: AgentDefinition): number {
  return (
    (agent.syslog === undefined ? consoleBytesMax : messageBytesMaxOf(agent.syslog)) -
    headerBytesMax(agent.header, longestHostName, agent.device.vendor)
  )
}
