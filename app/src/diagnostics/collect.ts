/** What a report of trouble needs: configuration without secrets, versions, how everything is, counters, the end of the log. No
 *  records: of dead letters their place and code, not what is in them. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { availableParallelism, freemem, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { describeError } from '@siem-relay/common'
import type { Control } from '@siem-relay/control'
import type { LoadedRelayConfig } from '../config/load.ts'
import { version } from '../version.ts'
import type { Redact } from './redact.ts'
import type { ArchivedFile } from './tar.ts'

/** Of each log file, from its end. */
const logBytesMax = 1_048_576
const logFilesMax = 5
const lettersShown = 200

export interface Sources {
  readonly loaded: LoadedRelayConfig | undefined
  /** What is wrong with the configuration, where it cannot be loaded. */
  readonly problems: string | undefined
  /** Undefined where no log can be asked, and why. */
  readonly control: Control | undefined
  readonly controlProblem: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nowMs: number
}

/** Each file by itself: what cannot be had says so in its place. */
export async function collect(sources: Sources, redact: Redact): Promise<readonly ArchivedFile[]> {
  const { loaded, problems, control, controlProblem } = sources
  const asked = (ask: (control: Control) => Promise<unknown>) => async (): Promise<unknown> => {
    if (control === undefined) throw new Error(controlProblem ?? 'there is no log to ask')
    return ask(control)
  }
  const makes: readonly (readonly [string, () => unknown])[] = [
    ['versions.json', () => versionsOf(sources)],
    ['config.json', () => (loaded === undefined ? { problems } : configOf(loaded))],
    ['sources.json', asked((one) => one.sources())],
    ['lag.json', asked((one) => one.lag({ windowMs: 1_000 }))],
    ['replays.json', asked((one) => one.replays())],
    ['dead-letters.json', asked(lettersOf)],
    ['metrics.txt', asked(async (one) => (await one.metrics()) ?? 'no relay with counters answers here')],
    ...logFiles(loaded).map((path, index) => [`log-${index + 1}.ndjson`, () => endOf(path)] as const),
  ]
  const files: ArchivedFile[] = [{ name: 'README.txt', text: readme }]
  for (const [name, make] of makes) files.push({ name, text: redact(await textOf(make)) })
  return files
}

const readme = `Made by siem-relay diagnostics ${version}.

Secrets of the configuration, and what looks like one, are replaced by [redacted]. There are no records in it. Names of hosts,
sources, agents and users of the machine are: look through it before you hand it on.
`

async function textOf(make: () => unknown): Promise<string> {
  try {
    const made = await make()
    return typeof made === 'string' ? made : `${JSON.stringify(made, undefined, 2)}\n`
  } catch (error) {
    return `could not be had: ${describeError(error)}\n`
  }
}

function versionsOf({ env, nowMs }: Sources): object {
  return {
    siemRelay: version,
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    os: release(),
    cpus: availableParallelism(),
    memoryBytes: { total: totalmem(), free: freemem() },
    at: new Date(nowMs).toISOString(),
    // Their names: what they hold may be secret.
    environment: Object.keys(env).filter((name) => /^(SIEM_RELAY_|NODE_|HTTPS?_PROXY$|NO_PROXY$|TZ$)/i.test(name)),
  }
}

function configOf({ config, origins, warnings }: LoadedRelayConfig): object {
  // Secrets give themselves as [redacted] to JSON.
  return { config, origins: Object.fromEntries(origins), warnings }
}

/** Where and why, not what: keys, beginnings and reasons may quote records. */
async function lettersOf(control: Control): Promise<unknown> {
  const { letters } = await control.deadLetters({ limit: lettersShown, all: true })
  return letters.map(({ id, atMs, stage, agent, code, attempts, origin, bytes, mark }) => ({
    id,
    at: new Date(atMs).toISOString(),
    stage,
    agent,
    code,
    attempts,
    origin,
    bytes,
    handled: mark?.action,
  }))
}

/** The newest log files, where the configuration names a directory. */
function logFiles(loaded: LoadedRelayConfig | undefined): readonly string[] {
  const directory = loaded?.config.log.directory
  if (directory === undefined) return []
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.log'))
      .toSorted()
      .slice(-logFilesMax)
      .map((name) => join(directory, name))
  } catch {
    return []
  }
}

function endOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, logBytesMax))
    readSync(file, bytes, 0, bytes.length, size - bytes.length)
    const text = bytes.toString('utf8')
    // From the first whole line on.
    return size > bytes.length ? text.slice(text.indexOf('\n') + 1) : text
  } finally {
    closeSync(file)
  }
}
