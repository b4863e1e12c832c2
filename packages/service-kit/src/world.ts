/** What a service gets from outside: everything it would otherwise reach for. A test passes its own. */
import type { Bus } from '@siem-relay/bus'
import type { Clock } from '@siem-relay/common'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'

export interface World {
  readonly bus: Bus
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Logger
  readonly metrics: Registry
  /** This machine's name, for syslog headers and status. */
  readonly hostName: string
  /** One per process; part of status keys. */
  readonly instanceId: string
  readonly health: HealthRegistry
}

/** A check a service registers: why it is not ready (a sentence), or undefined when it is. */
export type ReadinessCheck = () => string | undefined

export interface HealthRegistry {
  /** Registers a check under a name like `collector/contoso`; the returned function removes it. */
  register(name: string, check: ReadinessCheck): () => void
}

/** A service that runs. */
export interface Running extends AsyncDisposable {
  /** Rejects when the service cannot go on; never resolves. */
  readonly failed: Promise<never>
  /** Stops intake, drains within the given time, commits. Idempotent. */
  stop(drainMs: number): Promise<void>
}

/** A service that follows its configuration while it runs. */
export interface Reconfigurable<Config> extends Running {
  /**
   * Looks whether this machine can do what the configuration asks for; changes nothing.
   * @throws {RelayError} `RELAY_CONFIG_INVALID`
   */
  check(config: Config): void
  /** Brings what runs in line with the configuration; what did not change is not disturbed. One call at a time; after a
   *  failure the same call may be made again. */
  update(config: Config): Promise<void>
}
