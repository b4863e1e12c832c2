/** Loads a configuration: the file, the environment over it, secrets from their files, then the schema's judgement; every
 *  problem at once, each with its place. Schemas belong to the services. */
import { dirname } from 'node:path'
import type { z } from 'zod'
import { applyEnvironment } from './environment.ts'
import { findingsOf } from './issues.ts'
import { formatPath, isSection, type Path } from './path.ts'
import { createPlaces, type Place, type Places } from './places.ts'
import { ConfigError, type Problem } from './problems.ts'
import { describeReadError, type ReadFile, readTextFile } from './read-file.ts'
import { isSecret, schemasAt } from './schema-walk.ts'
import { readSecretFiles, removeEmptyValues } from './secret-files.ts'
import { parseYaml, yamlBytesMax } from './yaml-source.ts'

export interface LoadOptions<S extends z.ZodType> {
  readonly schema: S
  /** The configuration as YAML. Default: the text of `file`; without that, nothing but environment and defaults. */
  readonly text?: string
  /** Names the file in messages; relative paths to secrets start in its folder. */
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile?: ReadFile
  /** Default: `SIEM_RELAY_`. */
  readonly envPrefix?: string
  /** Variables with the prefix that are not settings, such as `SIEM_RELAY_CONFIG`. */
  readonly envIgnored?: readonly string[]
}

/** Where each value came from, by path (`agents[0].syslog.port`): `siem-relay.yaml:12:5` or `environment SIEM_RELAY_…`.
 *  What is not in it is a default. */
export type Origins = ReadonlyMap<string, string>

export interface LoadedConfig<S extends z.ZodType> {
  readonly config: z.output<S>
  readonly warnings: readonly string[]
  readonly origins: Origins
}

/**
 * @throws {ConfigError} with every problem there is, in file order, then those of the environment. YAML that cannot be parsed
 *   stops there.
 */
export function loadConfig<S extends z.ZodType>(options: LoadOptions<S>): LoadedConfig<S> {
  const { schema, env, readFile = readTextFile, envPrefix = 'SIEM_RELAY_', envIgnored = [] } = options
  const fileName = options.file ?? 'configuration'
  const { text, isReadableByOthers } = readText(options, readFile)
  const source = parseYaml(text)
  if (source.problems.length > 0)
    throw new ConfigError(
      source.problems.map(({ position, path, message }) => ({
        place: placeText({ kind: 'file', position }, fileName),
        path,
        message,
      })),
    )
  const written = source.value ?? {}
  if (!isSection(written))
    throw new ConfigError([
      { place: `${fileName}:1:1`, path: '', message: 'expected settings, one `key: value` per line' },
    ])

  removeEmptyValues(schema, written)
  const environment = applyEnvironment({ schema, written, env, prefix: envPrefix, ignored: envIgnored })
  const { variables } = environment
  const secrets = readSecretFiles({
    schema,
    written,
    directory: dirname(options.file ?? '.'),
    readFile,
    isFromEnvironment: (path) => places(new Map()).exact(path).kind === 'variable',
  })

  function places(movedFrom: ReadonlyMap<string, Path>): Places {
    return createPlaces({ source, variables, movedFrom })
  }
  const known = places(secrets.movedFrom)
  const parsed = schema.safeParse(written)
  const findings = (parsed.error?.issues ?? [])
    .flatMap((issue) => findingsOf(issue, schema, written))
    .filter(({ path }) => !secrets.failed.has(formatPath(path)))
  const problems = [...secrets.findings, ...findings].map(({ path, at, message }) => {
    const place = known.nearest(path, at)
    return { place, problem: { place: placeText(place, fileName), path: formatPath(path), message } }
  })
  const refused = environment.problems.map(({ variable, path, message }) => {
    const place: Place = { kind: 'variable', name: variable }
    return { place, problem: { place: variable, path, message } }
  })
  if (problems.length + refused.length > 0 || !parsed.success) throw new ConfigError(inOrder([...problems, ...refused]))

  const origins = new Map<string, string>()
  let hasInlineSecret = false
  forEachLeaf(written, [], (path) => {
    const place = known.exact(path)
    origins.set(formatPath(path), originText(place, fileName, secrets.movedFrom.get(formatPath(path))))
    if (place.kind === 'file' && !secrets.movedFrom.has(formatPath(path)))
      hasInlineSecret ||= schemasAt(schema, written, path).some(isSecret)
  })
  const warnings = [...environment.warnings, ...secrets.warnings]
  if (hasInlineSecret && isReadableByOthers === true)
    warnings.push(
      `${fileName} holds secrets and is readable by every user of this machine; chmod 600 keeps it to its owner`,
    )
  return { config: parsed.data, warnings, origins }
}

function readText<S extends z.ZodType>(options: LoadOptions<S>, readFile: ReadFile): ReturnType<ReadFile> {
  if (options.text !== undefined || options.file === undefined) return { text: options.text ?? '' }
  try {
    return readFile(options.file, yamlBytesMax)
  } catch (error) {
    throw new ConfigError([{ place: options.file, path: '', message: describeReadError(error) }])
  }
}

function placeText(place: Place, fileName: string): string {
  if (place.kind === 'file') return `${fileName}:${place.position.line}:${place.position.column}`
  return place.kind === 'variable' ? place.name : fileName
}

function originText(place: Place, fileName: string, fileSetting: Path | undefined): string {
  const text = place.kind === 'variable' ? `environment ${place.name}` : placeText(place, fileName)
  return fileSetting === undefined || place.kind === 'variable' ? text : `${text} (${String(fileSetting.at(-1))})`
}

function inOrder(problems: readonly { readonly place: Place; readonly problem: Problem }[]): readonly Problem[] {
  const rank = ({ place }: { readonly place: Place }): readonly [number, number] =>
    place.kind === 'file' ? [place.position.line, place.position.column] : [Number.MAX_SAFE_INTEGER, 0]
  const order = (left: { readonly problem: Problem }, right: { readonly problem: Problem }): number =>
    left.problem.place === right.problem.place ? 0 : left.problem.place < right.problem.place ? -1 : 1
  return problems
    .toSorted((left, right) => rank(left)[0] - rank(right)[0] || rank(left)[1] - rank(right)[1] || order(left, right))
    .map(({ problem }) => problem)
}

function forEachLeaf(value: unknown, path: Path, visit: (path: Path) => void): void {
  const children: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...value.entries()]
    : isSection(value)
      ? Object.entries(value)
      : []
  if (children.length === 0) visit(path)
  for (const [step, child] of children) forEachLeaf(child, [...path, step], visit)
}
