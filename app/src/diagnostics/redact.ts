/** Takes secrets out of text that leaves the machine: those of the configuration wherever they stand, and what looks like one. */
import { Secret, withoutCredentials } from '@siem-relay/service-kit'

const redacted = '[redacted]'
/** Shorter ones would take half of every text with them; they stand in the configuration alone, which shows none. */
const lengthMin = 4

/** Headers and parameters by name, tokens by shape, keys in PEM. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  [/\b(authorization["']?\s*[:=]\s*["']?)(?:\w+ )?[^\s"',;}]+/gi, `$1${redacted}`],
  [/\b(bearer|token|basic) [\w.~+/=-]{16,}/gi, `$1 ${redacted}`],
  [/((?:password|passwd|secret|api[_-]?key|token)["']?\s*[:=]\s*)"(?:[^"\\]|\\.)*"/gi, `$1"${redacted}"`],
  [/((?:password|passwd|secret|api[_-]?key|token)["']?\s*[:=]\s*["']?)[^\s"',;&}[]+/gi, `$1${redacted}`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, redacted],
  [/\b[0-9a-f]{64,}\b/gi, redacted],
]

export type Redact = (text: string) => string

/** @param config with its secrets; @param further secret texts, such as values of the environment. */
export function createRedactor(config: unknown, further: readonly string[]): Redact {
  const secrets = [...secretsOf(config), ...further]
    .flatMap((secret) => [secret, secret.trim(), JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .filter((secret) => secret.length >= lengthMin)
  const known = [...new Set(secrets)].sort((left, right) => right.length - left.length)
  return (text) => {
    let clean = text
    for (const secret of known) clean = clean.replaceAll(secret, redacted)
    for (const [shape, instead] of shapes) clean = clean.replace(shape, instead)
    return withoutCredentials(clean)
  }
}

function* secretsOf(value: unknown): Generator<string> {
  if (value instanceof Secret) yield value.reveal()
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) yield* secretsOf(item)
}
