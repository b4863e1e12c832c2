/** zod's issues in words for the person who writes the file: what is wrong, what is written, what to write instead. */
import type { z } from 'zod'
import { type Path, valueAt } from './path.ts'
import { fileKeyOf, isSecret, keysOf, kindOf, type Schema, schemasAt, settingsOf } from './schema-walk.ts'
import { withoutCredentials } from './secret.ts'
import type { Finding } from './secret-files.ts'
import { closest } from './suggest.ts'

type Issue = z.core.$ZodIssue

/** Values under such names are not shown even where the schema does not call them secret. */
const secretName = /token|secret|passw|passphrase|authorization|apikey|sharedkey|credential/i
const shownLengthMax = 60

/** @param written the values the schema was given. */
export function findingsOf(issue: Issue, schema: Schema, written: unknown, base: Path = []): readonly Finding[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, schema, written)
  if (issue.code === 'invalid_union') return unionFindings(issue, path, schema, written)
  const value = valueAt(written, path)
  if (value === undefined) return [{ path, at: 'key', message: missing(issue, path, schema, written) }]
  if (issue.code === 'invalid_key')
    return [{ path, at: 'key', message: `this key is not allowed: ${issue.issues[0]?.message ?? issue.message}` }]
  const suggestion = issue.code === 'invalid_value' ? meant(value, issue.values) : ''
  const message = `${sentenceOf(issue, value)}${shown(value, path, schema, written, issue)}${suggestion}`
  return [{ path, at: 'value', message }]
}

function unknownKeys(keys: readonly string[], path: Path, schema: Schema, written: unknown): readonly Finding[] {
  const known = keysOf(schemasAt(schema, written, path))
  return keys.map((key) => {
    const nearest = closest(key, known)
    const suggestion = nearest === undefined ? listOf(known) : `; did you mean \`${nearest}\`?`
    return { path: [...path, key], at: 'key', message: `unknown key \`${quote(key).slice(1, -1)}\`${suggestion}` }
  })
}

function listOf(known: ReadonlySet<string>): string {
  if (known.size === 0 || known.size > 12) return ''
  return `; known here: ${[...known].map((key) => `\`${key}\``).join(', ')}`
}

function missing(issue: Issue, path: Path, schema: Schema, written: unknown): string {
  const key = path.at(-1)
  const siblings = schemasAt(schema, written, path.slice(0, -1)).flatMap(settingsOf)
  const isMissingSecret = siblings.some(([name, child]) => name === key && isSecret(child))
  if (isMissingSecret)
    return `is required: set \`${key}\`, or \`${fileKeyOf(String(key))}\` with the path of a file that holds it`
  if (isDefaultMessage(issue)) return `is required${expectation(issue)}`
  return issue.message
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return ` (${nameOf(issue.expected)})`
  if (issue.code === 'invalid_value') return ` (${choices(issue.values)})`
  if (issue.code === 'invalid_union' && optionsOf(issue).length > 0) return ` (${choices(optionsOf(issue))})`
  return ''
}

/** The alternatives of a union that come nearest to what is written. */
function unionFindings(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  schema: Schema,
  written: unknown,
): readonly Finding[] {
  const value = valueAt(written, path)
  if (value === undefined) return [{ path, at: 'key', message: missing(issue, path, schema, written) }]
  const options = optionsOf(issue)
  if (options.length > 0) {
    const message = `expected ${choices(options)}`
    return [
      {
        path,
        at: 'value',
        message: `${message}${shown(value, path, schema, written, issue)}${meant(value, options)}`,
      },
    ]
  }
  const isOfWrongKind = (candidate: Issue): boolean =>
    candidate.path.length === 0 && (candidate.code === 'invalid_type' || candidate.code === 'invalid_value')
  const right = issue.errors.filter((issues) => !issues.some(isOfWrongKind))
  const nearest = right.toSorted((left, other) => left.length - other.length)[0]
  if (nearest !== undefined) return nearest.flatMap((inner) => findingsOf(inner, schema, written, path))
  const expected = issue.errors.flat().flatMap((inner) => {
    if (inner.code === 'invalid_type') return [nameOf(inner.expected)]
    return inner.code === 'invalid_value' ? [choices(inner.values)] : []
  })
  const message = isDefaultMessage(issue) ? `expected ${[...new Set(expected)].join(' or ')}` : issue.message
  return [{ path, at: 'value', message: `${message}${shown(value, path, schema, written, issue)}` }]
}

/** The fixed values a discriminated union chooses by; none for other unions. */
function optionsOf(issue: Extract<Issue, { code: 'invalid_union' }>): readonly unknown[] {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options : []
}

function sentenceOf(issue: Issue, value: unknown): string {
  if (!isDefaultMessage(issue)) return issue.message
  if (issue.code === 'invalid_type') return `expected ${nameOf(issue.expected)}${hint(issue.expected, value)}`
  if (issue.code === 'invalid_value') return `expected ${choices(issue.values)}`
  if (issue.code === 'too_small') {
    if (issue.origin === 'string')
      return issue.minimum === 1 ? 'must not be empty' : `needs at least ${issue.minimum} characters`
    if (issue.origin === 'array')
      return `needs at least ${issue.minimum} ${issue.minimum === 1 ? 'element' : 'elements'}`
    return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`
  }
  if (issue.code === 'too_big') {
    if (issue.origin === 'string') return `may have at most ${issue.maximum} characters`
    if (issue.origin === 'array') return `may have at most ${issue.maximum} elements`
    return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}`
  }
  return issue.message
}

/** zod's own words, as against those a schema brings along. */
function isDefaultMessage({ message }: Issue): boolean {
  return /^(Invalid (input|option|discriminator)|Too (small|big))/.test(message)
}

function hint(expected: string, value: unknown): string {
  if (expected === 'string' && typeof value === 'number') return ' (put it in quotes)'
  if (expected === 'string' && typeof value === 'boolean') return ' (put it in quotes)'
  if (
    (expected === 'number' || expected === 'int') &&
    typeof value === 'string' &&
    value !== '' &&
    !Number.isNaN(Number(value))
  )
    return ' (without quotes)'
  return ''
}

function meant(value: unknown, options: readonly unknown[]): string {
  const texts = options.filter((option) => typeof option === 'string')
  const nearest = typeof value === 'string' ? closest(value, texts) : undefined
  return nearest === undefined ? '' : `; did you mean ${quote(nearest)}?`
}

function choices(options: readonly unknown[]): string {
  const texts = options.map((option) => (typeof option === 'string' ? quote(option) : String(option)))
  return texts.length === 1 ? (texts[0] ?? '') : `one of ${texts.join(', ')}`
}

function nameOf(expected: string): string {
  const names: Record<string, string> = {
    object: 'a section',
    record: 'a section',
    array: 'a list',
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    null: 'nothing',
  }
  return names[expected] ?? expected
}

/** `, got "abc"`; never a secret, and not what the message shows already. */
function shown(value: unknown, path: Path, schema: Schema, written: unknown, issue: Issue): string {
  const isHidden = path.some((step) => typeof step === 'string' && secretName.test(step))
  if (isHidden || schemasAt(schema, written, path).some(isSecret)) return ''
  const kind = kindOf(value)
  if (kind === 'section')
    return issue.code === 'invalid_type' || issue.code === 'invalid_union' ? ', got a section' : ''
  if (kind === 'list') return issue.code === 'invalid_type' || issue.code === 'invalid_union' ? ', got a list' : ''
  if (kind === 'null') return ', got nothing'
  const text = typeof value === 'string' ? quote(value) : String(value)
  return issue.message.includes(text) ? '' : `, got ${text}`
}

function quote(text: string): string {
  const short = text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text
  return JSON.stringify(withoutCredentials(short))
}
