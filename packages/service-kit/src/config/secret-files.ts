/** What happens to written values before validation: settings without a value count as absent, and every secret given as
 *  `xFile` is read. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { formatPath, type Path } from './path.ts'
import { describeReadError, type ReadFile } from './read-file.ts'
import { childrenOf, fileKeyOf, isSecret, keysOf, type Schema, settingsOf, visitSections } from './schema-walk.ts'

const secretBytesMax = 65_536

/** Something to say about a place in the configuration. */
export interface Finding {
  readonly path: Path
  /** Whether the key or the value is wrong. */
  readonly at: 'key' | 'value'
  readonly message: string
}

/** `admin:` with nothing behind it, its settings commented out, means the defaults. Unknown keys stay, to be refused. */
export function removeEmptyValues(schema: Schema, written: unknown): void {
  visitSections([schema], written, (section, schemas) => {
    const keys = keysOf(schemas)
    for (const key of Object.keys(section)) {
      if (section[key] !== null || !keys.has(key)) continue
      const isWanted = schemas
        .flatMap((base) => childrenOf(base, key))
        .some((child) => z.safeParse(child, null).success)
      if (!isWanted) delete section[key]
    }
  })
}

export interface SecretFilesInput {
  readonly schema: Schema
  readonly written: unknown
  /** Relative paths start here. */
  readonly directory: string
  readonly readFile: ReadFile
  /** Tells whether the environment set this path. */
  readonly isFromEnvironment: (path: Path) => boolean
}

export interface SecretFilesResult {
  /** Secrets read from files: formatted path of the secret → path of its `xFile` setting. */
  readonly movedFrom: ReadonlyMap<string, Path>
  readonly findings: readonly Finding[]
  /** Secrets with a finding, by formatted path: validation has nothing to add about them. */
  readonly failed: ReadonlySet<string>
  readonly warnings: readonly string[]
}

/** Replaces every `xFile` of a secret `x` by the file's text, without its trailing line break. */
export function readSecretFiles(input: SecretFilesInput): SecretFilesResult {
  const movedFrom = new Map<string, Path>()
  const findings: Finding[] = []
  const failed = new Set<string>()
  const warnings: string[] = []
  visitSections([input.schema], input.written, (section, schemas, path) => {
    for (const [key, fileKey] of secretKeysOf(schemas)) {
      if (!Object.hasOwn(section, fileKey)) continue
      const secretPath = [...path, key]
      const filePath = [...path, fileKey]
      const value = section[fileKey]
      const outcome = Object.hasOwn(section, key)
        ? chooseOne(input.isFromEnvironment(secretPath), input.isFromEnvironment(filePath), key)
        : { useFile: true }
      delete section[fileKey]
      if (!outcome.useFile && outcome.message === undefined) continue
      const file = outcome.message === undefined ? readSecret(value, input) : { message: outcome.message }
      movedFrom.set(formatPath(secretPath), filePath)
      if (file.message !== undefined) {
        findings.push({ path: filePath, at: 'value', message: file.message })
        failed.add(formatPath(secretPath))
      }
      if (file.warning !== undefined) warnings.push(`${formatPath(filePath)}: ${file.warning}`)
      section[key] = file.text ?? 'unreadable'
    }
  })
  return { movedFrom, findings, failed, warnings }
}

function secretKeysOf(schemas: readonly Schema[]): ReadonlyMap<string, string> {
  const settings = schemas.flatMap(settingsOf)
  const plain = new Set(settings.map(([key]) => key))
  const secrets = settings.filter(([key, child]) => isSecret(child) && !plain.has(fileKeyOf(key)))
  return new Map(secrets.map(([key]) => [key, fileKeyOf(key)]))
}

/** Both are set: the environment overrides the file; two of one kind are a mistake. */
function chooseOne(
  isSecretFromEnvironment: boolean,
  isFileFromEnvironment: boolean,
  key: string,
): { readonly useFile: boolean; readonly message?: string } {
  if (isSecretFromEnvironment !== isFileFromEnvironment) return { useFile: isFileFromEnvironment }
  return { useFile: false, message: `${key} and ${fileKeyOf(key)} are both set; keep one of them` }
}

interface SecretText {
  readonly text?: string
  readonly message?: string
  readonly warning?: string
}

function readSecret(value: unknown, { directory, readFile }: SecretFilesInput): SecretText {
  if (typeof value !== 'string' || value === '') return { message: 'expected the path of a file that holds the secret' }
  const path = resolve(directory, value)
  try {
    const file = readFile(path, secretBytesMax)
    const text = file.text.replace(/\r?\n$/, '')
    if (text.trim() === '') return { message: `${path} is empty: write the secret into it` }
    if (file.isReadableByOthers !== true) return { text }
    return { text, warning: `${path} is readable by every user of this machine; chmod 600 keeps it to its owner` }
  } catch (error) {
    return { message: `${path}: ${describeReadError(error)}` }
  }
}
