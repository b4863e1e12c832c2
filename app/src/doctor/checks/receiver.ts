/** A syslog receiver: its name, its port, its certificate. Nothing is sent to it. */
import { type AgentDefinition, type Clock, type SyslogDestination, tlsSettingsOf } from '@siem-relay/common'
import { openReceiverProbes, type ReceiverProbe } from '@siem-relay/syslog-sender'
import type { Check, Finding, Subject } from '../check.ts'

const dayMs = 86_400_000
/** Days before a certificate expires at which somebody should know. */
const warnDays = 21

/** @returns undefined for an agent that does not send over syslog. */
export function receiverSubject(agent: AgentDefinition, clock: Clock): Subject | undefined {
  const { syslog } = agent
  if (syslog === undefined) return undefined
  const probes = openReceiverProbes(syslog, clock)
  const checks = probes.flatMap((probe) => checksOf(probe, syslog, clock, probes.length > 1 ? ` ${probe.name}` : ''))
  return { name: `agent ${agent.id} (${syslog.protocol} to ${probes.map(({ name }) => name).join(', ')})`, checks }
}

function checksOf(probe: ReceiverProbe, syslog: SyslogDestination, clock: Clock, suffix: string): readonly Check[] {
  const names = { dns: `name${suffix}`, connect: `connection${suffix}`, tls: `certificate${suffix}` }
  const settings = tlsSettingsOf(syslog)
  return [
    {
      name: names.dns,
      run: async () => ({ status: 'ok', seen: `resolves to ${(await probe.resolve()).join(', ')}` }),
    },
    {
      name: names.connect,
      needs: [names.dns],
      run: async () =>
        syslog.protocol === 'udp'
          ? { status: 'skipped', seen: 'UDP has no connection: whether anybody listens shows at the receiver only' }
          : { status: 'ok', seen: `${probe.name} takes connections (${Math.round(await probe.connect())} ms)` },
    },
    ...(settings === undefined
      ? []
      : [
          {
            name: names.tls,
            needs: [names.connect],
            run: async () => certificateFinding(await probe.handshake(), settings.verify, clock.nowMs()),
          },
        ]),
  ]
}

function certificateFinding(
  { subject, issuer, validToMs, protocol }: Awaited<ReturnType<ReceiverProbe['handshake']>>,
  isVerified: boolean,
  nowMs: number,
): Finding {
  const days = Math.floor((validToMs - nowMs) / dayMs)
  const until = Number.isFinite(validToMs) ? new Date(validToMs).toISOString().slice(0, 10) : 'an unknown day'
  const seen = `${protocol}, ${subject}, issued by ${issuer}, valid until ${until}`
  if (!isVerified)
    return {
      status: 'warning',
      seen: `${seen}; it is not verified`,
      fix: 'Remove tls.verify: false, and name the authority in tls.caFile: now anybody may answer for the receiver.',
    }
  if (days >= warnDays) return { status: 'ok', seen }
  return {
    status: 'warning',
    seen: `${seen}: ${days} days`,
    fix: "Renew the receiver's certificate before it expires; a new one of the same authority needs nothing here.",
  }
}
