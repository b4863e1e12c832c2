/** The receivers of one agent: parsing, the order in which they are tried, when to go back to the first, and their addresses. */
import { isIP } from 'node:net'
import { type Clock, RelayError, type SyslogDestination } from '@siem-relay/common'
import type { ResolvedAddress, Tuning } from './tuning.ts'

export interface Target {
  readonly host: string
  readonly port: number
  /** `host:port` for people. */
  readonly name: string
}

/** At most this many addresses of one name are tried in a round. */
const addressesMax = 8

/** `host`, `host:port`, `[v6]:port` or a bare IPv6 address; the port is the agent's unless given. */
export function parseTarget(text: string, defaultPort: number): Target {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  const named = /^([^:]+):(\d{1,5})$/.exec(text)
  const host = bracketed?.[1] ?? named?.[1] ?? text
  const port = Number(bracketed?.[2] ?? named?.[2] ?? defaultPort)
  if (port < 1 || port > 65_535)
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `${text}: port ${port} is not between 1 and 65535; correct syslog.host`,
    )
  return { host, port, name: isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}` }
}

/** Which receiver is next: in the configured order from the preferred one on. */
export class Targets {
  readonly #targets: readonly Target[]
  readonly #clock: Clock
  readonly #failbackMs: number
  #preferred = 0
  #leftFirstMs = 0

  constructor(destination: Pick<SyslogDestination, 'host' | 'port'>, clock: Clock, failbackMs: number) {
    const hosts = typeof destination.host === 'string' ? [destination.host] : destination.host
    this.#targets = hosts.map((host) => parseTarget(host, destination.port))
    this.#clock = clock
    this.#failbackMs = failbackMs
  }

  get count(): number {
    return this.#targets.length
  }

  /** All receivers once, the preferred one first; the first one again after a while on another. */
  inOrder(): readonly Target[] {
    const from = this.failbackIsDue() ? 0 : this.#preferred
    return [...this.#targets.slice(from), ...this.#targets.slice(0, from)]
  }

  /** This one took a connection: stay with it. */
  connected(target: Target): void {
    this.#prefer(this.#targets.indexOf(target))
  }

  /** This one failed: the next one is first in the coming round. */
  failed(target: Target): void {
    this.#prefer((this.#targets.indexOf(target) + 1) % this.#targets.length)
  }

  failbackIsDue(): boolean {
    return this.#preferred !== 0 && this.#clock.monotonicMs() - this.#leftFirstMs >= this.#failbackMs
  }

  #prefer(index: number): void {
    // A failed try to go back starts the while again, else every round would begin with it.
    if (index !== 0 && (this.#preferred === 0 || this.failbackIsDue())) this.#leftFirstMs = this.#clock.monotonicMs()
    this.#preferred = index
  }
}

/**
 * The addresses of a host, asked for on every connect.
 * @throws {RelayError} `RELAY_RECEIVER_UNREACHABLE` when the name does not resolve within the time.
 */
export async function resolveTarget(
  target: Target,
  { clock, tuning, timeoutMs }: { readonly clock: Clock; readonly tuning: Tuning; readonly timeoutMs: number },
): Promise<readonly ResolvedAddress[]> {
  const family = isIP(target.host)
  if (family !== 0) return [{ address: target.host, family }]
  let cancel = (): void => {}
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.after(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)))
  })
  try {
    const addresses = await Promise.race([tuning.resolve(target.host), timeout])
    if (addresses.length === 0) throw new Error('the name has no address')
    return addresses.slice(0, addressesMax)
  } catch (cause) {
    throw new RelayError('RELAY_RECEIVER_UNREACHABLE', `${target.host} did not resolve; trying again`, { cause })
  } finally {
    cancel()
  }
}
