/** What is wrong or dangerous with a draft, and a line as it would send it. The line is made by the functions the formatter and the
 *  sender use. */
import { X509Certificate } from 'node:crypto'
import {
  type AgentDefinition,
  agentSchema,
  confirmOf,
  createAgentHeader,
  createPipeline,
  formatOf,
  framingOf,
  wants,
} from '@siem-relay/common'
import { findingsOf } from '@siem-relay/service-kit'
import type { z } from 'zod'
import type { AgentCheck } from '../contract/agents.ts'
import { problemsMax } from '../server/errors.ts'
import { type AddressRules, problemOfHost, problemOfPort } from './addresses.ts'
import { sampleRecord } from './sample-record.ts'

type Problem = AgentCheck['problems'][number]

export interface CheckRules {
  readonly allowCidrs: AddressRules['allowCidrs']
  readonly tenants: readonly string[]
  readonly hostName: string
  readonly version: string
  readonly nowMs: () => number
}

export interface Checked extends AgentCheck {
  /** Absent while there are problems. */
  readonly agent: AgentDefinition | undefined
}

export function checkDefinition(definition: Readonly<Record<string, unknown>>, rules: CheckRules): Checked {
  const parsed = agentSchema.safeParse(definition)
  if (!parsed.success) return { problems: problemsIn(parsed.error.issues, definition), warnings: [], agent: undefined }
  const agent = parsed.data
  const problems = [...problemsHere(agent, rules)]
  if (problems.length > 0) return { problems, warnings: [], agent: undefined }
  const sample = sampleOf(agent, rules)
  return { problems, warnings: [...warningsOf(agent)], ...(sample === undefined ? {} : { sample }), agent }
}

/** In the words of the configuration file. */
function problemsIn(issues: z.ZodError['issues'], definition: unknown): Problem[] {
  const findings = issues.flatMap((issue) => findingsOf(issue, agentSchema, definition))
  return findings.slice(0, problemsMax).map(({ path, message }) => ({ path: [...path], message }))
}

/** What a configuration file may say and a browser may not, and what the sources of this relay make wrong. */
function* problemsHere(agent: AgentDefinition, { allowCidrs, tenants }: CheckRules): Iterable<Problem> {
  if (/[\u0000-\u001f\u007f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/.test(agent.name ?? ''))
    yield { path: ['name'], message: 'leave out control characters and those that reorder text' }
  for (const [place, tenant] of (agent.tenants ?? []).entries())
    if (!tenants.includes(tenant))
      yield {
        path: ['tenants', place],
        message: `no source has the tenant ${tenant}; known: ${tenants.join(', ') || 'none'}`,
      }
  if (agent.console)
    yield { path: ['console'], message: 'agents that write to the terminal belong to the configuration file' }
  if (agent.sentinel?.allowAnyEndpoint === true)
    yield {
      path: ['sentinel', 'allowAnyEndpoint'],
      message: 'is for test servers, and hands them the credential: it belongs to the configuration file',
    }
  const { syslog } = agent
  if (syslog === undefined) return
  if (syslog.tls?.ca !== undefined && !isCertificates(syslog.tls.ca))
    yield { path: ['syslog', 'tls', 'ca'], message: 'holds something that begins as a certificate and is none' }
  const rules = { allowCidrs, isRemote: agent.remote }
  const port = problemOfPort(syslog.port)
  if (port !== undefined) yield { path: ['syslog', 'port'], message: port }
  const hosts = typeof syslog.host === 'string' ? [syslog.host] : syslog.host
  for (const [place, host] of hosts.entries()) {
    const message = problemOfHost(host, syslog.port, rules)
    const path = typeof syslog.host === 'string' ? ['syslog', 'host'] : ['syslog', 'host', place]
    if (message !== undefined && !(port !== undefined && message === port)) yield { path, message }
  }
}

function isCertificates(pem: string): boolean {
  try {
    for (const block of pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [])
      new X509Certificate(block)
    return true
  } catch {
    return false
  }
}

function* warningsOf(agent: AgentDefinition): Iterable<Problem> {
  const { syslog, dedup } = agent
  if (wants(agent, 'alerts') && dedup.policy === 'off')
    yield { path: ['dedup', 'policy'], message: 'alerts that come from two products are sent twice' }
  if (!wants(agent, 'alerts') && !wants(agent, 'activities') && !wants(agent, 'discovery'))
    yield { path: ['alerts', 'enabled'], message: 'no data type is chosen: nothing will be sent' }
  if (syslog === undefined) return
  if (syslog.protocol === 'udp')
    yield {
      path: ['syslog', 'protocol'],
      message: 'UDP confirms nothing: messages that the network or the receiver drops are lost, and nobody is told',
    }
  else if (syslog.protocol !== 'relp' && confirmOf(syslog) === 'write')
    yield { path: ['syslog', 'confirm'], message: 'write loses messages when a receiver or a line breaks' }
  if (syslog.protocol === 'udp' || syslog.protocol === 'tcp')
    yield {
      path: ['syslog', 'protocol'],
      message: 'messages can be read on their way: choose TLS outside a trusted network',
    }
  if (syslog.tls?.verify === false)
    yield { path: ['syslog', 'tls', 'verify'], message: 'any certificate is accepted: for a laboratory only' }
  if (syslog.force)
    yield { path: ['syslog', 'force'], message: 'a combination that is known to lose lines is not refused any more' }
  if (syslog.protocol === 'tcp' && framingOf(syslog) === 'lf' && !agent.header.pri)
    yield {
      path: ['header', 'pri'],
      message: 'without PRI some receivers take the beginning of a line for something else: look at what arrives',
    }
}

/** Of the first data type it takes, whatever its filter says. */
function sampleOf(agent: AgentDefinition, { hostName, version, nowMs }: CheckRules): string | undefined {
  const kind = (['alerts', 'activities', 'discovery'] as const).find((each) => wants(agent, each))
  if (kind === undefined) return undefined
  const unfiltered = { ...agent, [kind]: { ...agent[kind], filter: {} } }
  const pipeline = createPipeline(unfiltered, { defaultVersion: version, bytesMax: 65_536, nowMs })
  const outcome = pipeline(sampleRecord(kind), () => false)
  if (outcome.outcome !== 'message') return undefined
  if (formatOf(agent) === 'sentinel') return outcome.line
  return createAgentHeader(agent, hostName, nowMs)(outcome.eventTimeMs, outcome.severity) + outcome.line
}
