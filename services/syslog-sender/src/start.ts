/** The syslog-sender service: one sender per enabled agent, their status, their health. */
import { type AgentDefinition, confirmOf, RelayError, type SyslogDestination, tlsSettingsOf } from '@siem-relay/common'
import type { Reconfigurable, World } from '@siem-relay/service-kit'
import { AgentSenders } from './agent-senders.ts'
import type { SyslogSenderConfig } from './config.ts'
import { Checkpoint } from './confirm/checkpoint.ts'
import type { Confirmation, ConfirmationContext } from './confirm/confirmation.ts'
import { TcpAck } from './confirm/tcp-ack.ts'
import { WriteTaken } from './confirm/write.ts'
import { KernelQueues, procNetTcpPath } from './proc-net-tcp.ts'
import { startReplays } from './replays.ts'
import type { AgentStatus } from './status.ts'
import { Targets } from './targets.ts'
import { createTlsOptions } from './tls.ts'
import type { Transport, TransportContext } from './transport.ts'
import { ConsoleTransport, type LineOutput } from './transports/console.ts'
import { openRelp } from './transports/relp/open.ts'
import type { RelpSession } from './transports/relp/session.ts'
import { RelpTransport } from './transports/relp/transport.ts'
import { StreamTransport } from './transports/stream.ts'
import { type OpenSettings, openStream } from './transports/stream-open.ts'
import { UdpTransport } from './transports/udp.ts'
import { defaultTuning, type Tuning } from './tuning.ts'

export interface SyslogSenderOptions {
  /** Where agents with `console: true` write; the process's standard output. */
  readonly stdout?: LineOutput
  /** Shorter times and other eyes, for tests. */
  readonly tuning?: Partial<Tuning>
}

export interface RunningSyslogSender extends Reconfigurable<SyslogSenderConfig> {
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
  const tuning = { ...defaultTuning, ...options.tuning }
  const surroundings = { tuning, queues: await KernelQueues.open(tuning.readText), stdout: options.stdout }
  const agents = new AgentSenders(world, (agent, context) => createTransport(agent, context, surroundings))
  const check = (next: SyslogSenderConfig): void => {
    for (const agent of next.agents) if (agent.enabled) checkAgent(agent, surroundings)
  }
  let inForce = config
  const update = async (next: SyslogSenderConfig): Promise<void> => {
    check(next)
    await agents.update(next.agents)
    inForce = next
  }

  await using starting = new AsyncDisposableStack()
  starting.defer(() => agents.stop(0))
  await update(config)
  const replays = await startReplays(world, {
    agents: () => inForce.agents,
    check: (agent) => checkAgent(agent, surroundings),
    createTransport: (agent, context, consoleMessagesPerSecondMax) =>
      createTransport(agent, context, { ...surroundings, consoleMessagesPerSecondMax }),
  })
  starting.move()

  let stopping: Promise<void> | undefined
  const stop = (drainMs: number): Promise<void> => {
    stopping ??= Promise.all([replays.stop(drainMs), agents.stop(drainMs)]).then(() => undefined)
    return stopping
  }
  const failed = Promise.race([agents.failed, replays.failed])
  // Whoever started us decides what a failure means; nobody listening must not end the process.
  failed.catch(() => undefined)
  return {
    failed,
    status: () => agents.statuses(),
    check,
    update,
    stop,
    [Symbol.asyncDispose]: () => stop(0),
  }
}

function checkAgent({ id, syslog, console }: AgentDefinition, { queues, stdout }: Surroundings): void {
  if (console && stdout === undefined)
    throw new RelayError('RELAY_CONFIG_INVALID', `agent ${id}: there is no standard output here; use syslog`)
  if (syslog === undefined || syslog.protocol === 'udp') return
  if (confirmOf(syslog) === 'tcp-ack' && queues === undefined)
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `agent ${id}: confirm: tcp-ack needs Linux and a readable ${procNetTcpPath}; use confirm: checkpoint`,
    )
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
  const tls = tlsSettingsOf(destination)
  const { clock, report, window } = context
  const opening = {
    destination,
    targets,
    clock,
    tuning,
    tlsOptions: tls && createTlsOptions(tls),
    onFailure: () => report.connectFailed(),
  }
  if (destination.protocol === 'relp') {
    const session = { clock, timeoutMs: destination.connectTimeoutMs, firstTxnr: tuning.firstTxnr }
    const begin: OpenSettings<RelpSession>['begin'] = (link, signal) => openRelp(link, session, signal)
    const open = (signal: AbortSignal): Promise<RelpSession> => openStream({ ...opening, begin }, signal)
    return new RelpTransport({ destination, targets, tuning, queues, open }, context)
  }
  return new StreamTransport(
    {
      destination,
      targets,
      tuning,
      queues,
      confirmation: (isDraining) => createConfirmation(destination, { window, clock, tuning, isDraining }, context),
      open: (signal) => openStream({ ...opening, begin: async (link) => link }, signal),
    },
    context,
  )
}

function createConfirmation(
  destination: SyslogDestination,
  confirming: ConfirmationContext,
  { report }: TransportContext,
): Confirmation {
  const confirm = confirmOf(destination)
  if (confirm === 'tcp-ack') return new TcpAck(destination, confirming)
  if (confirm === 'write') return new WriteTaken(confirming)
  return new Checkpoint(destination, confirming, (seconds) => report.checkpoint(seconds))
}
