/** `siem-relay agent` without its command line: the syslog sender of the relay, on a log that is the portal's. */
import { randomUUID } from 'node:crypto'
import { type Clock, printable } from '@siem-relay/common'
import type { AgentStatus, StatusError } from '@siem-relay/delivery'
import { createDispatchers, type Environment } from '@siem-relay/http'
import type { Running, World } from '@siem-relay/service-kit'
import { start as startSyslogSender } from '@siem-relay/syslog-sender'
import { OrdersFollower } from './follow-orders.ts'
import { PortalClient } from './portal-client.ts'
import { RemoteBus } from './remote-bus.ts'
import { ReplayJobs } from './replay-jobs.ts'
import { Session } from './session.ts'
import { type SessionTuning, sessionTuning } from './tuning.ts'

/** A poll that gets no answer within its wait and this is lost. */
const silenceMs = 40_000

export interface RemoteAgentOptions
  extends Pick<World, 'log' | 'metrics' | 'health' | 'clock' | 'random' | 'hostName'> {
  readonly portal: string
  readonly token: () => string
  readonly proxy?: string | undefined
  readonly caFile?: string | undefined
  readonly env: Environment
  readonly version: string
  readonly tuning?: Partial<SessionTuning>
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for a CA file or a proxy that cannot be used. */
export async function startRemoteAgent(options: RemoteAgentOptions): Promise<Running> {
  const { portal, token, proxy, caFile, env, version, log, clock, random, health, hostName, tuning } = options
  await using starting = new AsyncDisposableStack()
  const dispatchers = starting.use(createDispatchers({ proxy, caFile, env, timeoutMs: silenceMs }))
  // What is wrong with the proxy's address shows here, not at the first request.
  dispatchers.to(new URL(portal))
  const instance = randomUUID()
  const jobs = new ReplayJobs()
  const telling = new Telling((status) => session.tell(status))
  const session: Session = new Session({
    client: new PortalClient({ url: portal, token, dispatchers, clock, userAgent: `siem-relay-agent/${version}` }),
    token,
    clock,
    random,
    log,
    identity: { instance, host: printable(hostName.slice(0, 255)), version },
    onOrders: (orders) => follower.follow(orders),
    ...(tuning && { tuning }),
  })
  const bus = new RemoteBus({
    deliver: (spec) => session.deliver(spec),
    jobs,
    onStatus: (value) => telling.published(value),
  })
  const { metrics } = options
  const world: World = { bus, clock, random, log, metrics, health, hostName, instanceId: instance }
  const senders = starting.use(await startSyslogSender({ agents: [] }, world))
  const follower = new OrdersFollower({
    senders,
    jobs,
    clock,
    log,
    version,
    retryMs: tuning?.ordersMs ?? sessionTuning.ordersMs,
    onTrouble: (trouble) => telling.trouble(trouble, clock),
  })
  starting.defer(health.register('portal', () => session.trouble))
  const closing = starting.move()
  const leaving = new AbortController()
  const following = new AbortController()
  const followed = follower.run(following.signal)
  const conversation = session.run(leaving.signal)
  conversation.catch(() => undefined)
  const never = new Promise<never>(() => undefined)
  const failed = Promise.race([senders.failed, conversation.then(() => never)])
  failed.catch(() => undefined)

  let stopping: Promise<void> | undefined
  const stopOnce = async (drainMs: number): Promise<void> => {
    following.abort()
    await followed
    // While the conversation goes on: what is confirmed now is reported.
    await senders.stop(drainMs)
    leaving.abort()
    await conversation.catch(() => undefined)
    await closing.disposeAsync()
  }
  const stop = (drainMs: number): Promise<void> => {
    stopping ??= stopOnce(drainMs)
    return stopping
  }
  return { failed, stop, [Symbol.asyncDispose]: () => stop(0) }
}

/** What is told of the receiver: what the sender says, unless the orders could not be followed. */
class Telling {
  readonly #tell: Session['tell']
  #published: Parameters<Session['tell']>[0]
  #trouble: Parameters<Session['tell']>[0]

  constructor(tell: Session['tell']) {
    this.#tell = tell
  }

  published(value: Uint8Array | null): void {
    const status = value === null ? undefined : (JSON.parse(Buffer.from(value).toString('utf8')) as AgentStatus)
    const { state, sinceMs, lastConnectedMs, lastError, target } = status ?? {}
    this.#published =
      state === undefined || sinceMs === undefined
        ? undefined
        : {
            state,
            sinceMs,
            ...(lastConnectedMs === undefined ? {} : { lastConnectedMs }),
            ...(target === undefined ? {} : { target: printable(target.slice(0, 300)) }),
            ...(lastError && { lastError: errorOf(lastError) }),
          }
    this.#now()
  }

  trouble(trouble: StatusError | undefined, clock: Clock): void {
    this.#trouble = trouble && { state: 'error', sinceMs: clock.nowMs(), lastError: errorOf(trouble) }
    this.#now()
  }

  #now(): void {
    this.#tell(this.#trouble ?? this.#published ?? undefined)
  }
}

function errorOf({ code, message, atMs }: StatusError) {
  return { code, message: printable(message.slice(0, 1_000)), atMs }
}
