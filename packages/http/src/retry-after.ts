/** Retry-After (RFC 9110 §10.2.3): `HTTP-date / delay-seconds`. Pure. */

/** Longest pause another side may impose; a wrong header must not look like a hang. */
const retryAfterMsMax = 15 * 60_000

/**
 * How long to wait, at most 15 minutes; undefined for an absent or nonsensical header.
 * @param dateMs what the answer's own Date header says: an HTTP-date is relative to it, since clocks differ.
 * @param nowMs stands in for a missing Date header.
 */
export function parseRetryAfter(
  header: string | undefined,
  dateMs: number | undefined,
  nowMs: number,
): number | undefined {
  const text = header?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1_000, retryAfterMsMax)
  const atMs = parseHttpDate(text)
  if (atMs === undefined) return undefined
  return Math.min(Math.max(0, atMs - (dateMs ?? nowMs)), retryAfterMsMax)
}

/** IMF-fixdate, or the obsolete forms, all in GMT (RFC 9110 §5.6.7). */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined
  const ms = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`)
  return Number.isNaN(ms) ? undefined : ms
}
