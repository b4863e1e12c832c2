/** `siem-relay diagnostics`: a bundle for a report of trouble, without secrets and without records. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describeError, RelayError } from '@siem-relay/common'
import { ConfigError } from '@siem-relay/service-kit'
import { findConfigFile, type LoadedRelayConfig, loadRelayConfig } from '../config/load.ts'
import { type OpenedControl, openControl } from '../control/open.ts'
import { collect } from '../diagnostics/collect.ts'
import { createRedactor } from '../diagnostics/redact.ts'
import { type ArchivedFile, tarOf } from '../diagnostics/tar.ts'
import type { Terminal } from '../terminal.ts'
import { type ControlOptions, withData } from './with-control.ts'

export interface DiagnosticsOptions extends ControlOptions {
  /** The archive to write. */
  readonly output?: string
  /** A directory to write the files into instead. */
  readonly directory?: string
}

/** @throws {RelayError} `RELAY_USAGE` when the bundle cannot be written; whatever else is wrong stands in the bundle. */
export async function diagnostics(options: DiagnosticsOptions, terminal: Terminal): Promise<void> {
  const nowMs = Date.now()
  const { loaded, problems } = load(options, terminal)
  await using stack = new AsyncDisposableStack()
  const opened = await open(loaded, options, terminal)
  if ('control' in opened) stack.use(opened)
  const redact = createRedactor(loaded?.config, secretsOf(terminal.env))
  const files = await collect(
    {
      loaded,
      problems,
      control: 'control' in opened ? opened.control : undefined,
      controlProblem: 'control' in opened ? undefined : opened.problem,
      env: terminal.env,
      nowMs,
    },
    redact,
  )
  const path = write(files, options, terminal, nowMs)
  terminal.stdout.write(`${path}\n`)
  terminal.stderr.write(
    'Secrets are taken out, and there are no records in it. Look through it before you hand it on.\n',
  )
}

function load(
  { config }: DiagnosticsOptions,
  terminal: Terminal,
): { readonly loaded: LoadedRelayConfig | undefined; readonly problems: string | undefined } {
  try {
    return { loaded: loadRelayConfig(findConfigFile(config, terminal), terminal), problems: undefined }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { loaded: undefined, problems: error.message }
  }
}

async function open(
  loaded: LoadedRelayConfig | undefined,
  options: DiagnosticsOptions,
  terminal: Terminal,
): Promise<OpenedControl | { readonly problem: string }> {
  if (loaded === undefined) return { problem: 'the configuration cannot be loaded' }
  try {
    return await openControl(withData(loaded.config, options, terminal))
  } catch (error) {
    return { problem: describeError(error) }
  }
}

/** Values of the environment that may be secrets: those of the relay, and proxies with credentials. */
function secretsOf(env: Terminal['env']): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && /(TOKEN|SECRET|PASSWORD|KEY)$/i.test(name) ? [value] : [],
  )
}

function write(
  files: readonly ArchivedFile[],
  { output, directory }: DiagnosticsOptions,
  { cwd }: Terminal,
  nowMs: number,
): string {
  const name = `siem-relay-diagnostics-${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}`
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(cwd, path))
  try {
    if (directory !== undefined) {
      mkdirSync(absolute(directory), { recursive: true, mode: 0o700 })
      for (const file of files) writeFileSync(join(absolute(directory), file.name), file.text, { mode: 0o600 })
      return directory
    }
    const path = output ?? `${name}.tar.gz`
    writeFileSync(absolute(path), gzipSync(tarOf(name, files, nowMs)), { mode: 0o600 })
    return path
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', `the bundle cannot be written: ${describeError(cause)}`, { cause })
  }
}
