/** What a token says of itself: whom it stands for, for what, and until when. The token itself is shown nowhere. */
import type { Finding } from '../check.ts'

/** Tokens live an hour or more; one that ends sooner was kept by somebody. */
const shortMs = 10 * 60_000

/** @param audience what it has to be for. */
export function checkToken(token: string, audience: string, nowMs: number): Finding {
  const claims = claimsOf(token)
  if (claims === undefined) return { status: 'ok', seen: 'given; it does not say for whom or until when' }
  const { aud, exp, appid, oid, tid } = claims
  const identity = [`application ${text(appid)}`, `object ${text(oid)}`, `directory ${text(tid)}`]
    .filter((part) => !part.endsWith(' '))
    .join(', ')
  if (typeof aud === 'string' && aud.replace(/\/+$/, '') !== audience)
    return {
      status: 'failed',
      seen: `given for ${text(aud)}, and Azure Monitor of this cloud is ${audience}`,
      fix: 'Set cloud to the one the data collection rule is in.',
    }
  if (typeof exp !== 'number') return { status: 'ok', seen: `given to ${identity}` }
  const leftMs = exp * 1_000 - nowMs
  const seen = `given to ${identity}, for ${Math.floor(leftMs / 60_000)} minutes`
  if (leftMs <= 0)
    return {
      status: 'failed',
      seen: `given to ${identity}, and over already`,
      fix: 'Check the clock of this machine, or what hands out its identity.',
    }
  return leftMs < shortMs
    ? { status: 'warning', seen, fix: 'Check the clock of this machine; a token lasts an hour or more.' }
    : { status: 'ok', seen }
}

function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** At most 64 characters of a claim that is a text. */
function text(claim: unknown): string {
  return typeof claim === 'string' ? claim.slice(0, 64) : ''
}
