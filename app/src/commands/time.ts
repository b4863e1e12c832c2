/** Times on the command line: ISO 8601, or so long ago. */
import { RelayError } from '@siem-relay/common'

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const

/**
 * @param text `2026-11-24T10:00:00Z`, `2026-11-24` (UTC unless it names a zone), `-2h`, `now`.
 * @returns milliseconds since the epoch.
 * @throws {RelayError} `RELAY_USAGE`
 */
export function parseTime(flag: string, text: string, nowMs: number): number {
  if (text === 'now') return nowMs
  const ago = /^-(\d{1,9})([smhdw])$/.exec(text)
  if (ago !== null) return Math.max(0, nowMs - Number(ago[1]) * unitsMs[ago[2] as keyof typeof unitsMs])
  const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text)
  if (iso !== null) {
    const [, date, time = '00:00', zone = 'Z'] = iso
    const ms = Date.parse(`${date}T${time}${zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`)
    // Date.parse takes February 30th for March 2nd.
    if (ms >= 0 && new Date(`${date}T00:00Z`).toISOString().startsWith(date ?? '')) return ms
  }
  throw new RelayError(
    'RELAY_USAGE',
    `${flag} ${JSON.stringify(text)} is no time: write 2026-11-24T10:00:00Z, or -2h for two hours ago (s, m, h, d, w), or now`,
  )
}

/** A length of time for a person, two units at most. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`
}

export function countText(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}
