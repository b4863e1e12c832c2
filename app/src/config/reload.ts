/** Keeps a running relay in line with its configuration: the file and the secrets it names are looked at, and taken up when
 *  they change. One that cannot be used leaves the one before in force and says so once. */
import { type Clock, describeError, RelayError } from '@siem-relay/common'
import {
  ConfigError,
  isSameConfig,
  nextChange,
  type ReadFile,
  readTextFile,
  stampOf,
  type World,
} from '@siem-relay/service-kit'
import type { LoadedRelayConfig } from './load.ts'
import type { ReloadMetrics } from './reload-metrics.ts'
import type { RelayConfig } from './schema.ts'

/** A configuration that is right and could not be taken up (the log is in trouble) is tried again after this. */
const retryMs = 10_000

type Loaded = Pick<LoadedRelayConfig, 'config' | 'warnings'>

export interface ReloadParts {
  /** What is in force. */
  readonly loaded: Loaded
  /** Reads every file through the given function. @throws {ConfigError} */
  readonly load: (readFile: ReadFile) => Loaded
  readonly apply: (config: RelayConfig) => Promise<void>
  readonly clock: Clock
  readonly log: Pick<World['log'], 'info' | 'warn' | 'error'>
  readonly metrics: ReloadMetrics
}

/** What became of a look at the configuration. */
type Outcome = 'in-force' | 'refused' | 'again'

export class Reloading implements AsyncDisposable {
  readonly #parts: ReloadParts
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #wake = new AbortController()
  #inForce: Loaded
  #lastRefusal: string | undefined

  constructor(parts: ReloadParts) {
    this.#parts = parts
    this.#inForce = parts.loaded
    this.#running = this.#run()
  }

  /** Looks at once, whatever the files' dates say. */
  reload(): void {
    this.#wake.abort()
  }

  /** A configuration being taken up is taken up to its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController()
      const signal = AbortSignal.any([this.#stopping.signal, this.#wake.signal])
      const { outcome, files, stamp } = await this.#look()
      const change = outcome === 'again' ? clock.sleep(retryMs, signal) : nextChange(files, stamp, { clock, signal })
      await change.catch(() => undefined)
    }
  }

  /** Also once at the start: the file may have changed since it was read. */
  async #look(): Promise<{ outcome: Outcome; files: readonly string[]; stamp: string }> {
    const stamps = new Map<string, string>()
    const readFile: ReadFile = (path, bytesMax) => {
      // As it stood before it was read: a change in between is seen as one.
      stamps.set(path, stampOf([path]))
      return readTextFile(path, bytesMax)
    }
    const outcome = await this.#take(() => this.#parts.load(readFile))
    return { outcome, files: [...stamps.keys()], stamp: [...stamps.values()].join('\n') }
  }

  async #take(load: () => Loaded): Promise<Outcome> {
    const { apply, log, metrics } = this.#parts
    try {
      const loaded = load()
      refuseEmpty(loaded.config, this.#inForce.config)
      if (isSameConfig(loaded.config, this.#inForce.config)) {
        if (this.#lastRefusal !== undefined) log.info('the configuration on disk is the one in force again')
        metrics.unchanged()
      } else {
        for (const warning of loaded.warnings) if (!this.#inForce.warnings.includes(warning)) log.warn(warning)
        await apply(loaded.config)
        log.info(
          { sources: loaded.config.sources.length, agents: loaded.config.agents.length },
          'configuration reloaded',
        )
        this.#inForce = loaded
        metrics.applied()
      }
      this.#lastRefusal = undefined
      return 'in-force'
    } catch (error) {
      const isRefused = error instanceof RelayError && error.code === 'RELAY_CONFIG_INVALID'
      this.#tell(error, isRefused)
      return isRefused ? 'refused' : 'again'
    }
  }

  /** The same problems are told once, however often the file is written with them. */
  #tell(error: unknown, isRefused: boolean): void {
    const { log, metrics } = this.#parts
    const reason = describeError(error)
    if (reason === this.#lastRefusal) return
    this.#lastRefusal = reason
    metrics.refused()
    const problems = error instanceof ConfigError ? error.message.split('\n') : [reason]
    if (isRefused) log.error({ problems }, 'configuration not reloaded: the one before stays in force')
    else log.error({ problems, retryMs }, 'configuration reloaded in part: tried again')
  }
}

/** A file that was cut off, by a full disk or a failed copy, often reads as a right one without anything in it. */
function refuseEmpty({ sources, agents }: RelayConfig, inForce: RelayConfig): void {
  if (sources.length + agents.length > 0 || inForce.sources.length + inForce.agents.length === 0) return
  throw new RelayError(
    'RELAY_CONFIG_INVALID',
    'the configuration has neither sources nor agents left: if that is meant, stop the relay; else write it again',
  )
}
