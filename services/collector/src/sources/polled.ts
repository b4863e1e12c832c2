/** A source that asks an API: claims its place in the log, then runs its streams on one writer, one set of credentials and one
 *  way out. What a stream does is the business of each source. */
import type { State, Writer } from '@siem-relay/bus'
import { createDispatchers } from '@siem-relay/http'
import { announceSource } from '../metrics.ts'
import type { Api } from './api.ts'
import type { ApiClientParts } from './api-client.ts'
import { createAuthorizer } from './authorizer.ts'
import { removeGapGauges, setGapGauges } from './gap-report.ts'
import { Hold } from './hold.ts'
import { claimSource, runTogether, statusOf } from './life.ts'
import { isPlainElsewhere, type OauthSettings, type TokenSettings, tenantOf } from './settings.ts'
import type { PolledSourceContext, Source, StreamStatus } from './source.ts'

/** What the settings of such sources have in common. */
export interface PolledSettings {
  readonly id: string
  readonly tenant?: string | undefined
  readonly url: string
  readonly auth: OauthSettings | TokenSettings
  readonly proxy?: string | undefined
  readonly caFile?: string | undefined
}

export interface PolledStream {
  readonly kind: StreamStatus['kind']
  /** How long its watermark stands still by design: it is late only after that. Default 0. */
  readonly restMs?: number
  status(): StreamStatus
  /** Takes up where the last owner of the source stopped. */
  restore(state: State): void
  /** Collects until the signal is aborted. @throws when the log is lost to this owner. */
  run(signal: AbortSignal): Promise<void>
}

/** What streams of one source share. */
export interface PolledParts {
  readonly client: ApiClientParts
  /** Refused credentials concern all of them. */
  readonly hold: Hold
  /** One at a time over all of them. */
  readonly commit: (changes: Parameters<Writer['commit']>[0]) => Promise<void>
}

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openPolledSource(
  config: PolledSettings,
  context: PolledSourceContext,
  api: Api,
  openStreams: (parts: PolledParts) => readonly PolledStream[],
): Source {
  const { id, url } = config
  const { world, metrics, gate, env, userAgent } = context
  const { clock } = world
  const tenant = tenantOf(config)
  const dispatchers = createDispatchers({ proxy: config.proxy, caFile: config.caFile, env })
  const authorizer = createAuthorizer(config.auth, { clock, dispatchers, userAgent })
  let writer: Writer | undefined
  let lastCommit: Promise<unknown> = Promise.resolve()

  /** The writer takes one commit at a time. */
  function commit(changes: Parameters<Writer['commit']>[0]): Promise<void> {
    const mine = lastCommit.then(() => (writer as Writer).commit(changes))
    lastCommit = mine.catch(() => undefined)
    return mine
  }

  const client = { sourceId: id, url, clock, gate, dispatchers, authorizer, metrics, userAgent }
  const streams = openStreams({ client, hold: new Hold(clock), commit })

  announceSource(
    metrics,
    id,
    streams.map(({ kind }) => kind),
  )

  async function collect(signal: AbortSignal): Promise<void> {
    writer = await claimSource(
      world,
      { id, tenant },
      streams.map(({ kind }) => kind),
      signal,
    )
    for (const stream of streams) stream.restore(writer.state)
    await runTogether(
      streams.map((stream) => (both) => stream.run(both)),
      signal,
    )
  }

  function setGauges(): void {
    for (const stream of streams) {
      const { kind, watermarkMs, gaps } = stream.status()
      setGapGauges(metrics, { source: id, kind }, gaps)
      if (watermarkMs === undefined) continue
      const lateMs = clock.nowMs() - watermarkMs - (stream.restMs ?? 0)
      metrics.checkpointAge.set({ source: id, kind }, Math.max(0, lateMs) / 1_000)
    }
    metrics.budgetRemaining.set({ tenant, api }, gate.remaining)
  }

  return {
    id,

    async run(signal) {
      if (isPlainElsewhere(url))
        world.log.warn({ source: id }, 'url is plain http: token and records can be read on the way; for a test server')
      metrics.setters.add(setGauges)
      try {
        await collect(signal)
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        metrics.setters.delete(setGauges)
        // Another instance may have it now, whose gauge is the one that counts.
        for (const { kind } of streams) {
          metrics.checkpointAge.remove({ source: id, kind })
          removeGapGauges(metrics, { source: id, kind })
        }
        await lastCommit
        await writer?.[Symbol.asyncDispose]()
        await dispatchers[Symbol.asyncDispose]()
      }
    },

    status: () => ({
      ...statusOf(
        { id, tenant },
        streams.map((stream) => stream.status()),
      ),
      budgetRemaining: gate.remaining,
    }),
  }
}
