/** Sends one line to the destination of an agent, which may be a draft, and tells what happened: settings → dns → connect → tls → send →
 *  confirm. Uses what agents deliver with. Bounded in time; tells classes of failures, never what the other side says. */
import { isIP } from 'node:net'
import { type AgentDefinition, framingOf, type SyslogDestination, tlsSettingsOf } from '@siem-relay/common'
import type { World } from '@siem-relay/service-kit'
import { parseTarget, resolveTarget, type Target } from '../targets.ts'
import { defaultTuning, type ResolvedAddress, type Tuning } from '../tuning.ts'
import { testDatagram } from './datagram.ts'
import { explain } from './explain.ts'
import { type TestLine, testLine } from './line.ts'
import { StepFailure, Steps, stepNames, type TestMessageReport } from './steps.ts'
import { type TestTimes, testStream } from './stream.ts'

export interface TestMessageOptions {
  readonly world: Pick<World, 'clock' | 'hostName'>
  /** Of the relay. */
  readonly version: string
  /** Why nothing may be sent to an address; undefined when it may. Asked for what the host resolves to: the connection goes to exactly that. */
  readonly refuses: (address: string) => string | undefined
  /** Ends it early. */
  readonly signal?: AbortSignal
  /** Shorter, for tests. */
  readonly times?: Partial<TestTimes>
  readonly resolve?: Tuning['resolve']
}

const defaultTimes: TestTimes = {
  totalMs: 10_000,
  dnsMs: 3_000,
  connectMs: 4_000,
  settleMs: 1_000,
  confirmMs: 3_000,
  probeMs: 1_000,
  refusalMs: 1_000,
}

/** Never rejects: whatever goes wrong is a step that failed. */
export async function sendTestMessage(agent: AgentDefinition, options: TestMessageOptions): Promise<TestMessageReport> {
  const { clock } = options.world
  const times = { ...defaultTimes, ...options.times }
  const steps = new Steps(clock)
  const timeout = new AbortController()
  const cancel = clock.after(times.totalMs, () =>
    timeout.abort(
      new StepFailure(
        `it was not done after ${times.totalMs / 1_000} s`,
        'Check host and port, and the load of the receiver.',
      ),
    ),
  )
  const signal = options.signal === undefined ? timeout.signal : AbortSignal.any([timeout.signal, options.signal])
  let line: TestLine | undefined
  let ok = false
  try {
    const { syslog } = agent
    if (syslog === undefined)
      throw new StepFailure(
        'this agent has no syslog receiver',
        agent.sentinel === undefined
          ? 'Set syslog.'
          : 'Rows for Microsoft Sentinel are tried by enabling the agent; its status tells.',
      )
    line = testLine(agent, options.world, options.version)
    noteSettings(agent, syslog, steps)
    ok = await tryTargets(syslog, { options, line, steps, times, signal })
  } catch (error) {
    steps.end(explain(error))
  } finally {
    cancel()
  }
  return {
    ok,
    line: line?.text ?? '',
    bytes: line?.segment.bytes.length ?? 0,
    steps: [...steps.all, ...skipped(agent, steps)],
  }
}

interface Trial {
  readonly options: TestMessageOptions
  readonly line: TestLine
  readonly steps: Steps
  readonly times: TestTimes
  readonly signal: AbortSignal
}

/** One receiver after the other, as the agent would. @returns whether one took the line. */
async function tryTargets(destination: SyslogDestination, trial: Trial): Promise<boolean> {
  const { steps, signal } = trial
  const hosts = typeof destination.host === 'string' ? [destination.host] : destination.host
  for (const [index, host] of hosts.entries()) {
    try {
      await tryTarget(destination, parseTarget(host, destination.port), trial)
      return true
    } catch (error) {
      const { outcome, seen, fix } = explain(error)
      const details = Object(error).seen
      const whole = typeof details === 'string' ? `${seen}; ${details}` : seen
      steps.end({ outcome, seen: hosts.length === 1 ? whole : `${host}: ${whole}`, fix })
      if (signal.aborted || index === hosts.length - 1) return false
    }
  }
  return false
}

async function tryTarget(destination: SyslogDestination, target: Target, trial: Trial): Promise<void> {
  const { options, line, steps, times, signal } = trial
  const { clock } = options.world
  const addresses = await lookUp(target, trial)
  // Every address in its turn until one connects, each as it was checked.
  for (const [index, address] of addresses.entries()) {
    const test = { destination, target, address, line, steps, clock, times, signal }
    try {
      if (destination.protocol === 'udp') return await testDatagram(test)
      return await testStream(test)
    } catch (error) {
      if (steps.current !== 'connect' || index === addresses.length - 1 || signal.aborted) throw error
      const { seen, fix } = explain(error)
      steps.end({ outcome: 'warning', seen: `${address.address}: ${seen}`, fix })
    }
  }
}

async function lookUp(target: Target, { options, steps, times }: Trial): Promise<readonly ResolvedAddress[]> {
  steps.begin('dns')
  const tuning = { ...defaultTuning, ...(options.resolve && { resolve: options.resolve }) }
  const found = await resolveTarget(target, { clock: options.world.clock, tuning, timeoutMs: times.dnsMs })
  const judged = found.map((address) => ({ address, refusal: options.refuses(address.address) }))
  const allowed = judged.filter(({ refusal }) => refusal === undefined).map(({ address }) => address)
  const names = judged.map(({ address, refusal }) =>
    refusal === undefined ? address.address : `${address.address} (not allowed)`,
  )
  const [refused] = judged.filter(({ refusal }) => refusal !== undefined)
  if (allowed.length === 0)
    throw new StepFailure(
      `${refused?.address.address ?? target.host} ${refused?.refusal ?? 'has no address'}`,
      'Name the address of the receiver; an admin of this machine decides what may be sent to.',
    )
  steps.ok(isIP(target.host) === 0 ? `${target.host} is ${names.join(', ')}` : 'the host is an address')
  return allowed
}

function noteSettings({ header, remote }: AgentDefinition, syslog: SyslogDestination, steps: Steps): void {
  const { protocol } = syslog
  const isStream = protocol === 'tcp' || protocol === 'tls'
  const isLf = isStream && framingOf(syslog) === 'lf'
  if (isLf && !header.pri && header.format === 'siem-agent' && header.time === 'rfc5424')
    steps.end({
      outcome: 'warning',
      seen: 'without PRI a line begins with the year, which rsyslog reads as an octet count: it loses lines',
      fix: 'Set header.pri: true, or framing: octet-counting.',
    })
  else if (isLf && protocol === 'tls')
    steps.end({
      outcome: 'warning',
      seen: 'TLS receivers expect octet counting; some lose every line with LF',
      fix: 'Remove framing: lf.',
    })
  else if (remote)
    steps.end({
      outcome: 'warning',
      seen: 'this agent runs in another network: what follows is tried from the relay',
      fix: '`siem-relay agent` tells of its own connection once it runs.',
    })
  else steps.ok(`${protocol}${isStream ? `, framing ${framingOf(syslog)}` : ''}`)
}

/** The steps that were not come to. */
function skipped({ syslog }: AgentDefinition, steps: Steps): TestMessageReport['steps'] {
  const last = stepNames.indexOf(steps.all.at(-1)?.name ?? 'settings')
  return stepNames
    .slice(last + 1)
    .filter((name) => name !== 'tls' || (syslog !== undefined && tlsSettingsOf(syslog) !== undefined))
    .map((name) => ({ name, outcome: 'skipped' as const, seen: 'not come to' }))
}
