/** A Defender for Cloud Apps account: claims its place in the log, then runs its streams on one writer, one set of
 *  credentials and one way out. What a stream does is stream.ts. */
import type { Writer } from '@siem-relay/bus'
import { createDispatchers } from '../../http/dispatchers.ts'
import { createAuthorizer } from '../authorizer.ts'
import { Hold } from '../hold.ts'
import { claimSource, runTogether, statusOf } from '../life.ts'
import { isPlainElsewhere, tenantOf } from '../settings.ts'
import type { Source, SourceContext } from '../source.ts'
import { DefenderClient } from './client.ts'
import type { DefenderSourceConfig } from './config.ts'
import type { StreamKind } from './paging.ts'
import { Stream } from './stream.ts'

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for an unreadable caFile. */
export function openDefenderSource(config: DefenderSourceConfig, context: SourceContext): Source {
  const { world, metrics, gate, env, userAgent } = context
  const { clock } = world
  const tenant = tenantOf(config)
  const dispatchers = createDispatchers({ proxy: config.proxy, caFile: config.caFile, env })
  const authorizer = createAuthorizer(config.auth, { clock, dispatchers, userAgent })
  const client = new DefenderClient({
    sourceId: config.id,
    url: config.url,
    clock,
    gate,
    dispatchers,
    authorizer,
    metrics,
    userAgent,
  })
  const hold = new Hold(clock)
  let writer: Writer | undefined
  let lastCommit: Promise<unknown> = Promise.resolve()

  /** The writer takes one commit at a time. */
  function commit(changes: Parameters<Writer['commit']>[0]): Promise<void> {
    const mine = lastCommit.then(() => (writer as Writer).commit(changes))
    lastCommit = mine.catch(() => undefined)
    return mine
  }

  const kinds = (['alerts', 'activities'] as const).filter((kind) => config.collect[kind])
  const streams = kinds.map((kind: StreamKind) => new Stream({ kind, config, context, client, hold, commit }))

  async function collect(signal: AbortSignal): Promise<void> {
    writer = await claimSource(world, { id: config.id, tenant }, kinds, signal)
    for (const stream of streams) stream.restore(writer.state)
    await runTogether(
      streams.map((stream) => (both) => stream.run(both)),
      signal,
    )
  }

  return {
    id: config.id,

    async run(signal) {
      if (isPlainElsewhere(config.url))
        world.log.warn(
          { source: config.id },
          'url is plain http: token and records can be read on the way; for a test server',
        )
      const setGauges = (): void => {
        for (const { kind, watermarkMs } of streams.map((stream) => stream.status()))
          if (watermarkMs !== undefined)
            metrics.checkpointAge.set({ source: config.id, kind }, Math.max(0, clock.nowMs() - watermarkMs) / 1_000)
        metrics.budgetRemaining.set({ tenant }, gate.remaining)
      }
      metrics.setters.add(setGauges)
      try {
        await collect(signal)
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        metrics.setters.delete(setGauges)
        // Another instance may have it now, whose gauge is the one that counts.
        for (const { kind } of streams) metrics.checkpointAge.remove({ source: config.id, kind })
        await lastCommit
        await writer?.[Symbol.asyncDispose]()
        await dispatchers[Symbol.asyncDispose]()
      }
    },

    status: () => ({
      ...statusOf(
        { id: config.id, tenant },
        streams.map((stream) => stream.status()),
      ),
      budgetRemaining: gate.remaining,
    }),
  }
}
