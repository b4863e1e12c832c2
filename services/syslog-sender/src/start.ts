/** The syslog-sender service: one sender per enabled agent, their status, their health. */
import {
  type AgentDefinition,
  agentStatusTopic,
  deadLettersTopic,
  outTopic,
  RelayError,
  type SyslogDestination,
} from '@siem-relay/common'
import type { Running, World } from '@siem-relay/service-kit'
import { AgentSender } from './agent-sender.ts'
import type { SyslogSenderConfig } from './config.ts'
import { Checkpoint } from './confirm/checkpoint.ts'
import type { Confirmation, ConfirmationContext } from './confirm/confirmation.ts'
import { TcpAck } from './confirm/tcp-ack.ts'
import { WriteTaken } from './confirm/write.ts'
import { KernelQueues, procNetTcpPath } from './proc-net-tcp.ts'
import { startReplays } from './replays.ts'
import { type AgentStatus, StatusPublisher } from './status.ts'
import { Targets } from './targets.ts'
import { createTlsOptions } from './tls.ts'
import type { Transport, TransportContext } from './transport.ts'
import { ConsoleTransport, type LineOutput } from './transports/console.ts'
import { StreamTransport } from './transports/stream.ts'
import { openStream } from './transports/stream-open.ts'
import { UdpTransport } from './transports/udp.ts'
import { defaultTuning, type Tuning } from './tuning.ts'

export interface SyslogSenderOptions {
  /** Where agents with `console: true` write; the process's standard output. */
  readonly stdout?: LineOutput
  /** Shorter times and other eyes, for tests. */
  readonly tuning?: Partial<Tuning>
}

export interface RunningSyslogSender extends Running {
  /** Where each agent stands. */
  status(): readonly AgentStatus[]
}

/** What every transport shares. */
interface Surroundings {
  readonly tuning: Tuning
  readonly queues: KernelQueues | undefined
  readonly stdout: LineOutput | undefined
  /** Pace of lines on standard output; agents with a receiver have theirs in its settings. */
  readonly consoleMessagesPerSecondMax?: number
}

/**
 * Starts delivery for all enabled agents. Ready once started: a receiver that is away is a status and a metric, since
 * restarting the relay would not bring it back.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when an agent asks for what this machine cannot do.
 */
export async function start(
  config: SyslogSenderConfig,
  world: World,
  options: SyslogSenderOptions = {},
): Promise<RunningSyslogSender> {
  const agents = config.agents.filter(({ enabled }) => enabled)
  const tuning = { ...defaultTuning, ...options.tuning }
  const surroundings = { tuning, queues: await KernelQueues.open(tuning.readText), stdout: options.stdout }
  for (const agent of agents) checkAgent(agent, surroundings, world)
  await world.bus.ensureTopics([...agents.map(({ id }) => outTopic(id)), deadLettersTopic, agentStatusTopic])
  const replays = await startReplays(world, {
    agents: () => config.agents,
    check: (agent) => checkAgent(agent, surroundings, world),
    createTransport: (agent, context, consoleMessagesPerSecondMax) =>
      createTransport(agent, context, { ...surroundings, consoleMessagesPerSecondMax }),
  })

  let senders: readonly AgentSender[] = []
  const statuses = (): readonly AgentStatus[] => senders.map(({ status }) => status)
  const publisher = new StatusPublisher(world, statuses)
  senders = agents.map(
    (agent) =>
      new AgentSender({
        agent,
        world,
        createTransport: (context) => createTransport(agent, context, surroundings),
        onStatus: () => publisher.changed(),
      }),
  )
  const failures = senders.map((sender) => sender.start())
  publisher.start()
  const unregister = agents.map(({ id }) => world.health.register(`syslog-sender/${id}`, () => undefined))

  let stopping: Promise<void> | undefined
  const stop = async (drainMs: number): Promise<void> => {
    for (const remove of unregister) remove()
    await Promise.all([replays.stop(drainMs), ...senders.map((sender) => sender.stop(drainMs))])
    await publisher.stop()
  }
  const running: RunningSyslogSender = {
    failed: Promise.race([...failures, replays.failed]),
    status: statuses,
    stop(drainMs) {
      stopping ??= stop(drainMs)
      return stopping
    },
    [Symbol.asyncDispose]: () => running.stop(0),
  }
  // Whoever started us decides what a failure means; nobody listening must not end the process.
  running.failed.catch(() => {})
  return running
}

function checkAgent({ id, syslog, console }: AgentDefinition, { queues, stdout }: Surroundings, { log }: World): void {
  if (console && stdout === undefined)
    throw new RelayError('RELAY_CONFIG_INVALID', `agent ${id}: there is no standard output here; use syslog`)
  if (syslog === undefined || syslog.protocol === 'udp') return
  if (syslog.confirm === 'tcp-ack' && queues === undefined)
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `agent ${id}: confirm: tcp-ack needs Linux and a readable ${procNetTcpPath}; use confirm: checkpoint`,
    )
  if (syslog.confirm === 'write')
    log.warn({ agent: id }, 'confirm: write loses messages when a receiver or a line breaks; prefer checkpoint')
  if (syslog.tls?.verify === false)
    log.warn({ agent: id }, 'tls.verify: false accepts any certificate; for a laboratory only')
}

function createTransport(agent: AgentDefinition, context: TransportContext, surroundings: Surroundings): Transport {
  const { tuning, queues, stdout } = surroundings
  const { syslog: destination } = agent
  if (destination === undefined) {
    if (stdout === undefined) throw new TypeError('a console agent passed checkAgent without an output')
    return new ConsoleTransport(stdout, context, tuning.slowRetryMs, surroundings.consoleMessagesPerSecondMax)
  }
  const targets = new Targets(destination, context.clock, tuning.failbackMs)
  if (destination.protocol === 'udp') return new UdpTransport({ destination, targets, tuning }, context)
  const tlsOptions = destination.protocol === 'tls' ? createTlsOptions(tlsSettingsOf(destination)) : undefined
  const { clock, report, window } = context
  const opening = { destination, targets, clock, tuning, tlsOptions, onFailure: () => report.connectFailed() }
  return new StreamTransport(
    {
      destination,
      targets,
      tuning,
      queues,
      confirmation: (isDraining) => createConfirmation(destination, { window, clock, tuning, isDraining }, context),
      open: (signal) => openStream(opening, signal),
    },
    context,
  )
}

function createConfirmation(
  destination: SyslogDestination,
  confirming: ConfirmationContext,
  { report }: TransportContext,
): Confirmation {
  if (destination.confirm === 'tcp-ack') return new TcpAck(destination, confirming)
  if (destination.confirm === 'write') return new WriteTaken(confirming)
  return new Checkpoint(destination, confirming, (seconds) => report.checkpoint(seconds))
}

function tlsSettingsOf({ tls }: SyslogDestination): NonNullable<SyslogDestination['tls']> {
  return tls ?? { minVersion: 'TLSv1.2', verify: true }
}
