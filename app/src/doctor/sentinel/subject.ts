/** An agent that delivers to Microsoft Sentinel, examined from this machine outwards: settings, network, clock, identity, rule, streams. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import {
  type AgentDefinition,
  authorityOf,
  azureClouds,
  type Clock,
  describeError,
  type EventKind,
  RelayError,
  rawKindOf,
  type SentinelDestination,
} from '@siem-relay/common'
import type { Probe } from '@siem-relay/sentinel-sender'
import type { DataCollectionRule } from '@siem-relay/simulator'
import type { Check, Finding, Subject } from '../check.ts'
import { answerFinding } from './answer-finding.ts'
import { canaryOf } from './canary.ts'
import { checkClock } from './clock-check.ts'
import { entraFix } from './entra-fix.ts'
import { networkFix, proxyText } from './network-fix.ts'
import { checkRule } from './rule-check.ts'
import { checkSettings } from './settings-check.ts'
import { checkToken } from './token-check.ts'

export interface Examination {
  readonly agent: AgentDefinition
  readonly sentinel: SentinelDestination
  /** Data types the agent takes. */
  readonly kinds: readonly EventKind[]
  readonly probe: Probe
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  /** The rule as deployed, if it was handed in. */
  readonly rules: readonly DataCollectionRule[] | undefined
  /** Sends a row that is kept: its id is made of this. */
  readonly canary: string | undefined
  /** Sources the agent takes records of that reach further back than Azure keeps times. */
  readonly lateSources: readonly string[]
}

export function sentinelSubject(examination: Examination): Subject {
  const { agent, sentinel, kinds, probe, clock, env, rules, canary } = examination
  const endpoint = new URL(sentinel.endpoint)
  const authority = new URL(authorityOf(sentinel))
  // A machine's own identity is asked for on the machine.
  const asksEntra = sentinel.auth.type !== 'managed-identity'
  let dateMs: number | undefined
  let token = ''

  const reach = async (url: URL, setting: string): Promise<Finding> => {
    const proxy = probe.proxyTo(url)
    try {
      const reached = await probe.reach(url)
      dateMs ??= reached.dateMs
      return { status: 'ok', seen: `${url.host} answers over TLS, ${proxyText(proxy)} (HTTP ${reached.status})` }
    } catch (error) {
      return {
        status: 'failed',
        seen: `${url.host} does not answer ${proxyText(proxy)}: ${reasonOf(error)}`,
        fix: networkFix(error, { host: url.hostname, proxy, setting }),
      }
    }
  }

  const checks: Check[] = [
    { name: 'settings', run: async () => checkSettings(agent, sentinel, env, clock.nowMs()) },
    { name: 'endpoint name', run: () => resolve(endpoint, 'endpoint', probe) },
    { name: 'endpoint TLS', needs: ['endpoint name'], run: () => reach(endpoint, 'endpoint') },
    ...(asksEntra
      ? [
          { name: 'Entra name', run: () => resolve(authority, 'cloud or authorityHost', probe) },
          { name: 'Entra TLS', needs: ['Entra name'], run: () => reach(authority, 'cloud or authorityHost') },
        ]
      : []),
    { name: 'clock', run: async () => checkClock(dateMs, clock.nowMs()) },
    {
      name: 'token',
      needs: ['settings', ...(asksEntra ? ['Entra TLS'] : [])],
      run: async () => {
        try {
          token = await probe.token()
        } catch (error) {
          const seen = error instanceof RelayError ? error.message : describeError(error)
          return { status: 'failed', seen, fix: entraFix(seen, sentinel.auth.type) }
        }
        return checkToken(token, azureClouds[sentinel.cloud].audience, clock.nowMs())
      },
    },
    ...kinds.map((kind): Check => {
      const stream = sentinel.streams[rawKindOf[kind]]
      return {
        name: `stream ${rawKindOf[kind]}`,
        needs: ['endpoint TLS', 'token'],
        run: async () => {
          // An empty array: rule, stream and role are looked at, nothing is stored.
          const { answer } = await probe.upload(kind, [], token)
          return answerFinding(answer, stream, sentinel, `Azure accepts an empty request for ${stream}`)
        },
      }
    }),
    { name: 'schema', run: async () => schemaFinding(rules, kinds, sentinel) },
    { name: 'event times', run: async () => eventTimes(examination.lateSources) },
    ...(canary === undefined
      ? []
      : kinds.map((kind): Check => {
          const stream = sentinel.streams[rawKindOf[kind]]
          return {
            name: `canary ${rawKindOf[kind]}`,
            needs: [`stream ${rawKindOf[kind]}`],
            run: async () => {
              const { row, query } = canaryOf(kind, canary, clock.nowMs())
              const { answer } = await probe.upload(kind, [row], token)
              return answerFinding(answer, stream, sentinel, `accepted; in a minute (a new table: 15): ${query}`)
            },
          }
        })),
  ]
  return { name: `agent ${agent.id}`, checks }
}

async function resolve(url: URL, setting: string, probe: Probe): Promise<Finding> {
  const proxy = probe.proxyTo(url)
  const host = (proxy ?? url).hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return { status: 'ok', seen: `${host} is an address, and needs no looking up` }
  try {
    const addresses = await lookup(host, { all: true })
    const seen = `${host} is ${addresses.map(({ address }) => address).join(', ')}`
    return { status: 'ok', seen: proxy === undefined ? seen : `${seen}; the proxy looks up ${url.hostname}` }
  } catch (error) {
    return {
      status: 'failed',
      seen: `the name ${host} is not found: ${reasonOf(error)}`,
      fix: networkFix(error, { host, proxy, setting }),
    }
  }
}

function schemaFinding(
  rules: readonly DataCollectionRule[] | undefined,
  kinds: readonly EventKind[],
  sentinel: SentinelDestination,
): Finding {
  if (rules !== undefined) return checkRule(rules, kinds, sentinel)
  return {
    status: 'skipped',
    seen: 'the rule as deployed is not at hand, and Azure drops columns it does not declare without an error',
    fix: 'az monitor data-collection rule show --resource-group GROUP --name NAME > rule.json, then --rule rule.json.',
  }
}

function eventTimes(lateSources: readonly string[]): Finding {
  if (lateSources.length === 0) return { status: 'ok', seen: 'no source begins more than 48 hours back' }
  return {
    status: 'warning',
    seen: `${lateSources.join(', ')}: the first run reads records of more than 48 hours ago; Azure stores their time of receipt as TimeGenerated`,
    fix: 'Query by EventTime (in CommonSecurityLog StartTime), which keeps it; the functions of deploy/sentinel do.',
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  const text = describeError(error)
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`
}
