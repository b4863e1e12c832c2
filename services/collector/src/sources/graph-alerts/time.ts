/** Times of Graph, `2026-01-15T12:00:00.1234567Z`: seven digits behind the second, more than a Date holds. They are kept as text
 *  of one form, which sorts as the times do, and counted in ticks of 100 ns. Pure. */

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)$/
const ticksPerMs = 10_000n

/** The one form of a time, or undefined for what is none. Digits beyond the seventh are cut. */
export function normalTime(value: unknown): string | undefined {
  const [, second, digits = '', zone] = typeof value === 'string' ? (pattern.exec(value) ?? []) : []
  const ms = Date.parse(`${second}${zone}`)
  return Number.isNaN(ms) ? undefined : `${secondOf(ms)}.${digits.slice(0, 7).padEnd(7, '0')}Z`
}

export function timeOfMs(ms: number): string {
  return timeOfTicks(BigInt(Math.floor(ms)) * ticksPerMs)
}

/** Milliseconds since the epoch, rounded down. @param time of the one form. */
export function msOf(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`)
}

export function plusMs(time: string, ms: number): string {
  return timeOfTicks(ticksOf(time) + BigInt(Math.floor(ms)) * ticksPerMs)
}

/** Half-way between two times; undefined when no time is between them. */
export function midpoint(from: string, to: string): string | undefined {
  const start = ticksOf(from)
  const middle = start + (ticksOf(to) - start) / 2n
  return middle > start ? timeOfTicks(middle) : undefined
}

/** Ticks between two times. */
export function distance(from: string, to: string): number {
  return Number(ticksOf(to) - ticksOf(from))
}

/** ISO 8601's year 0 to 9999: what sorts. */
const ticksMin = BigInt(Date.parse('0000-01-01T00:00:00Z')) * ticksPerMs
const ticksMax = BigInt(Date.parse('9999-12-31T23:59:59Z')) * ticksPerMs

function ticksOf(time: string): bigint {
  return BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * ticksPerMs + BigInt(time.slice(20, 27))
}

function timeOfTicks(ticks: bigint): string {
  const bounded = ticks < ticksMin ? ticksMin : ticks > ticksMax ? ticksMax : ticks
  const perSecond = 1_000n * ticksPerMs
  const behind = ((bounded % perSecond) + perSecond) % perSecond
  return `${secondOf(Number((bounded - behind) / ticksPerMs))}.${String(behind).padStart(7, '0')}Z`
}

function secondOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19)
}
