/** The syslog-sender service: one sender per enabled agent, their status, their health. */
import {
  type AgentDefinition,
  confirmOf,
  RelayError,
  replayMarkOf,
  type SyslogDestination,
  tlsSettingsOf,
} from '@siem-relay/common'
import {
  type CertificateHolder,
  type RunningSenders,
  type SenderKind,
  type SendersConfig,
  startSenders,
} from '@siem-relay/delivery'
import type { World } from '@siem-relay/service-kit'
import { AgentSender } from './agent-sender.ts'
import { Checkpoint } from './confirm/checkpoint.ts'
import type { Confirmation, ConfirmationContext } from './confirm/confirmation.ts'
import { TcpAck } from './confirm/tcp-ack.ts'
import { WriteTaken } from './confirm/write.ts'
import { replaySenderMetrics } from './metrics.ts'
import { KernelQueues, procNetTcpPath } from './proc-net-tcp.ts'
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

/** What every transport shares. */
interface Surroundings {
  readonly tuning: Tuning
  readonly queues: KernelQueues | undefined
  readonly stdout: LineOutput | undefined
  /** Pace of lines on standard output; agents with a receiver have theirs in its settings. */
  readonly consoleMessagesPerSecondMax?: number | undefined
}

/**
 * Starts delivery for all enabled agents. Ready once started: a receiver that is away is a status and a metric, since
 * restarting the relay would not bring it back.
 * @throws {RelayError} `RELAY_CONFIG_INVALID` when an agent asks for what this machine cannot do.
 */
export async function start(
  config: SendersConfig,
  world: World,
  options: SyslogSenderOptions = {},
): Promise<RunningSenders> {
  const tuning = { ...defaultTuning, ...options.tuning }
  const surroundings = { tuning, queues: await KernelQueues.open(tuning.readText), stdout: options.stdout }
  return startSenders(config, world, senderKind(surroundings))
}

function senderKind(surroundings: Surroundings): SenderKind {
  return {
    service: 'syslog-sender',
    serves: ({ sentinel, remote }) => sentinel === undefined && !remote,
    check: (agent) => checkAgent(agent, surroundings),
    create: ({ replay, ...options }) => {
      const agent = replay === undefined ? options.agent : pacedAgent(options.agent, replay.messagesPerSecondMax)
      const around = { ...surroundings, consoleMessagesPerSecondMax: replay?.messagesPerSecondMax }
      return new AgentSender({
        ...options,
        agent,
        createTransport: (context) => createTransport(agent, context, around),
        ...(replay && {
          input: replay.input,
          metrics: replaySenderMetrics(options.world.metrics, agent.id),
          messagesPerSecondMax: agent.syslog?.messagesPerSecondMax ?? replay.messagesPerSecondMax,
        }),
        ...(replay?.markedJob !== undefined && { mark: replayMarkOf(replay.markedJob) }),
      })
    },
    deliveryOf: ({ syslog, console, header, device }) => ({ syslog, console, header, vendor: device.vendor }),
    warningsOf,
  }
}

/** The agent at the pace of a replay; its own pace counts too when it is slower. */
function pacedAgent(agent: AgentDefinition, messagesPerSecondMax: number): AgentDefinition {
  const { syslog } = agent
  if (syslog === undefined) return agent
  const pace = Math.min(syslog.messagesPerSecondMax ?? messagesPerSecondMax, messagesPerSecondMax)
  return { ...agent, syslog: { ...syslog, messagesPerSecondMax: pace } }
}

function warningsOf({ syslog }: AgentDefinition): readonly string[] {
  if (syslog === undefined || syslog.protocol === 'udp') return []
  return [
    ...(syslog.confirm === 'write'
      ? ['confirm: write loses messages when a receiver or a line breaks; prefer checkpoint']
      : []),
    ...(syslog.tls?.verify === false ? ['tls.verify: false accepts any certificate; for a laboratory only'] : []),
  ]
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
    onCertificate: (holder: CertificateHolder, validUntilMs: number) => report.certificate(holder, validUntilMs),
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
