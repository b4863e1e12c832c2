/** Numbers and times as people read them. */

const locale = 'en-US'
const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const whole = new Intl.NumberFormat(locale)
const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 })
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })

/** `Mar 14, 2023` */
export function dayText(ms: number): string {
  return day.format(ms)
}

/** `Mar 14, 2023, 9:10:02 PM` */
export function momentText(ms: number): string {
  return moment.format(ms)
}

/** `21:10:02` */
export function clockText(ms: number): string {
  return clock.format(ms)
}

export function countText(count: number): string {
  return whole.format(count)
}

/** `12.4K` */
export function shortCountText(count: number): string {
  return compact.format(count)
}

/** `1 agent`, `1,000 agents` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole.format(count)} ${count === 1 ? one : many}`
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const

/** `4.1 MB`, by thousands, as the discovery dashboard counts. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1_000 && unit < byteUnits.length - 1) {
    value /= 1_000
    unit++
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1
  return `${value.toFixed(digits)} ${byteUnits[unit]}`
}

const spans = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** `3 days`, `2 hours`: the largest unit alone. */
export function durationText(seconds: number): string {
  const [unit, size] = spans.find(([, length]) => seconds >= length) ?? spans[3]
  return plural(Math.max(0, Math.floor(seconds / size)), unit)
}

/** `5 minutes ago`, `in 2 hours` */
export function agoText(ms: number, nowMs: number): string {
  const seconds = Math.round((ms - nowMs) / 1_000)
  const [unit, size] = spans.find(([, length]) => Math.abs(seconds) >= length) ?? spans[3]
  return relative.format(Math.trunc(seconds / size), unit)
}

/** The time as `<input type="datetime-local">` takes it: local, without seconds. */
export function localInput(ms: number): string {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return at.toISOString().slice(0, 16)
}

/** @returns undefined for what is no time. */
export function fromLocalInput(text: string): number | undefined {
  const ms = new Date(text).getTime()
  return Number.isNaN(ms) ? undefined : ms
}
