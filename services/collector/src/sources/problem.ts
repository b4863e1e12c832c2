/** What an error answer says, for the operator. Defender for Cloud Apps writes `{"error": true, "filters": [{"error": "<x> is not
 *  valid"}]}`, its gateways `{"detail": …}` or `{"message": …}`, Graph `{"error": {"code": …, "message": …}}`. */

/** At most 300 characters; undefined when the body says nothing readable. Never throws. */
export function problemOf(body: Buffer): string | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(body.toString())
  } catch {
    return undefined
  }
  if (!isObject(answer)) return undefined
  const { filters, message, detail, error } = answer
  const first: unknown = Array.isArray(filters) ? filters[0] : undefined
  const inner = isObject(error) ? (error.message ?? error.code) : error
  for (const text of [isObject(first) ? first.error : undefined, message, detail, inner])
    if (typeof text === 'string' && text !== '') return text.slice(0, 300)
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
