/** What stands before `CEF:` on the wire: the SIEM agent's own header `[<PRI>]TIME [HOST] ` or a full RFC 5424 one.
 *  Pure ASCII, so its length in characters is its length in bytes. Framing is in rfc6587.ts. */
import { type AgentDefinition, formatOf } from '../agent.ts'
import { encodePriority, rfc5424Parts, sanitizeHostName, severityOfCef } from './rfc5424.ts'
import type { HeaderSettings } from './settings.ts'
import { createTimestamp, isWritableTime, type TimestampForm, timestampBytes } from './timestamp.ts'

/**
 * @param eventTimeMs milliseconds since the epoch; absent or outside the years 0 to 9999: the time of sending.
 * @param cefSeverity 0 to 10; used when the header's severity is `from-event`.
 */
export type HeaderEncoder = (eventTimeMs: number | undefined, cefSeverity: number) => string

export interface HeaderOptions {
  /** APP-NAME of the RFC 5424 format; default `MCAS`, the device vendor of the SIEM agent. */
  readonly appName?: string
  /** The time of sending, for messages without a usable event time. */
  readonly nowMs: () => number
}

const cefSeverityMax = 10

/**
 * Makes the header encoder of one agent. Keep it: it remembers what neighbours share.
 * @param hostName this machine's name, used where `systemName` is true.
 * @example createHeader(settings, 'LAB-EUW', { nowMs })(1677791402022, 0) // '<166>2023-03-02T21:10:02.022Z LAB-EUW '
 */
export function createHeader(settings: HeaderSettings, hostName: string, options: HeaderOptions): HeaderEncoder {
  const timestamp = createTimestamp(formOf(settings))
  const parts = partsBySeverity(settings, hostName, options.appName ?? 'MCAS')
  return (eventTimeMs, cefSeverity) => {
    const { before, after } = parts[indexOf(cefSeverity)] as HeaderParts
    return before + timestamp(isWritableTime(eventTimeMs) ? eventTimeMs : options.nowMs()) + after
  }
}

/** The header encoder of an agent: rows of Microsoft Sentinel have none, wherever they are written to. */
export function createAgentHeader(agent: AgentDefinition, hostName: string, nowMs: () => number): HeaderEncoder {
  if (formatOf(agent) === 'sentinel') return () => ''
  return createHeader(agent.header, hostName, { appName: agent.device.vendor, nowMs })
}

/** The longest header these settings produce, in bytes. */
export function headerBytesMax(settings: HeaderSettings, hostName: string, appName = 'MCAS'): number {
  const lengths = partsBySeverity(settings, hostName, appName).map(({ before, after }) => before.length + after.length)
  return Math.max(...lengths) + timestampBytes(formOf(settings))
}

interface HeaderParts {
  readonly before: string
  readonly after: string
}

/** RFC 5424 knows one time format only. */
function formOf(settings: HeaderSettings): TimestampForm {
  return settings.format === 'rfc5424' ? 'rfc5424' : settings.time
}

function partsBySeverity(settings: HeaderSettings, hostName: string, appName: string): readonly HeaderParts[] {
  return Array.from({ length: cefSeverityMax + 1 }, (_, cefSeverity) => {
    const severity = settings.severity === 'from-event' ? severityOfCef(cefSeverity) : settings.severity
    const priority = encodePriority(settings.facility, severity)
    const name = typeof settings.systemName === 'string' ? settings.systemName : hostName
    // PRI is not optional in RFC 5424; a host that is switched off is NILVALUE there.
    if (settings.format === 'rfc5424') return rfc5424Parts(priority, settings.systemName === false ? '' : name, appName)
    const host = settings.systemName === false ? '' : `${sanitizeHostName(name, 'localhost')} `
    return { before: settings.pri ? priority : '', after: ` ${host}` }
  })
}

function indexOf(cefSeverity: number): number {
  if (cefSeverity >= cefSeverityMax) return cefSeverityMax
  return cefSeverity > 0 ? Math.trunc(cefSeverity) : 0
}
