/** The fields of an RFC 5424 header: priority, host name, app name, and the header around a message without structured data.
 *  Pure; times are in timestamp.ts, the choice between this header and the SIEM agent's own in header.ts. */

const hostNameMax = 255
const appNameMax = 48
const facilityMax = 23
const severityMax = 7

/** `PRI = "<" PRIVAL ">"`, PRIVAL = facility × 8 + severity, 0 to 191, no leading zeros (RFC 5424 §6.2.1). Out of range is brought into range. */
export function encodePriority(facility: number, severity: number): string {
  return `<${clamp(facility, facilityMax) * 8 + clamp(severity, severityMax)}>`
}

/** Syslog severity of a CEF severity: 0–3 informational, 4–6 notice, 7–8 error, 9–10 critical. Not a number counts as 0. */
export function severityOfCef(cefSeverity: number): number {
  if (cefSeverity >= 9) return 2
  if (cefSeverity >= 7) return 3
  return cefSeverity >= 4 ? 5 : 6
}

/**
 * A host name every receiver takes: letters, digits, `.`, `:` and `-`, at most 255 (RFC 5424 §6.2.4); others become `-`.
 * @param absent what stands for an empty name: `-` (NILVALUE) in RFC 5424, a name elsewhere, since receivers would take the
 *   next word for the host.
 */
export function sanitizeHostName(name: string, absent: '-' | 'localhost'): string {
  const sanitized = name
    .trim()
    .replace(/[^A-Za-z0-9.:-]/gu, '-')
    .slice(0, hostNameMax)
  return sanitized === '' ? absent : sanitized
}

/** APP-NAME: 1 to 48 characters of printable ASCII without space (RFC 5424 §6.2.5); others become `-`, an empty name NILVALUE. */
export function sanitizeAppName(name: string): string {
  const sanitized = name
    .trim()
    .replace(/[^\x21-\x7e]/gu, '-')
    .slice(0, appNameMax)
  return sanitized === '' ? '-' : sanitized
}

/**
 * Everything before the time and everything after it: `<PRI>VERSION SP` and `SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP SD SP`.
 * No BOM: rsyslog keeps it inside the message, which then no longer starts with `CEF:`; without it MSG is MSG-ANY (§6.4).
 */
export function rfc5424Parts(priority: string, hostName: string, appName: string): { before: string; after: string } {
  return { before: `${priority}1 `, after: ` ${sanitizeHostName(hostName, '-')} ${sanitizeAppName(appName)} - - - ` }
}

function clamp(value: number, max: number): number {
  const whole = Math.trunc(value)
  return Number.isNaN(whole) ? 0 : Math.min(Math.max(whole, 0), max)
}
