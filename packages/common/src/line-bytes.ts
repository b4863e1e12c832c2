/** How long an agent's lines may be, for whoever formats. */
import type { AgentDefinition } from './agent.ts'
import { headerBytesMax } from './syslog/index.ts'
import { messageBytesMaxOf } from './syslog/settings.ts'

/** The longest line on a terminal. */
const consoleBytesMax = 65_536
/** The largest row: it shares a request with two brackets. */
const rowBytesMax = 1_000_000 - 2
/** The sender may run on another machine: the longest name a header can hold (RFC 5424 §6). */
const longestHostName = 'x'.repeat(255)

/** What the destination takes, less the header its sender puts in front. */
export function lineBytesMaxOf(agent: AgentDefinition): number {
  if (agent.sentinel !== undefined) return Math.min(rowBytesMax, agent.sentinel.requestBytesMax - 2)
  return (
    (agent.syslog === undefined ? consoleBytesMax : messageBytesMaxOf(agent.syslog)) -
    headerBytesMax(agent.header, longestHostName, agent.device.vendor)
  )
}
