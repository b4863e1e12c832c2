/** A Defender for Cloud Apps account: claims its place in the log, then runs its streams on one writer, one set of
 *  credentials and one way out. What a stream does is stream.ts. */
import type { Writer } from '@siem-relay/bus'
import { collectorStateTopic, rawTopic } from '@siem-relay/common'
import { retry } from '@siem-relay/service-kit'
import { createDispatchers } from '../../http/dispatchers.ts'
import { createAuthorizer } from '../authorizer.ts'
import { Hold } from '../hold.ts'
import { isPlainElsewhere, tenantOf } from '../settings.ts'
import type { Source, SourceContext, SourceState, SourceStatus } from '../source.ts'
import { DefenderClient } from './client.ts'
import type { DefenderSourceConfig } from './config.ts'
import type { StreamKind } from './paging.ts'
import { Stream } from './stream.ts'

const claimPolicy = { minMs: 1_000, maxMs: 60_000 }
const severities: readonly SourceState[] = ['collecting', 'starting', 'waiting', 'error']

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

  async function claim(signal: AbortSignal): Promise<Writer> {
    const stateTopic = collectorStateTopic(config.id)
    await world.bus.ensureTopics([...kinds.map((kind) => rawTopic(tenant, kind)), stateTopic])
    signal.throwIfAborted()
    return world.bus.writer(`collector/${config.id}`, stateTopic)
  }

  async function collect(signal: AbortSignal): Promise<void> {
    writer = await retry(() => claim(signal), {
      clock,
      random: world.random,
      signal,
      policy: claimPolicy,
      onRetry: ({ error, waitMs }) =>
        world.log.warn({ source: config.id, err: error, waitMs }, 'log could not be claimed'),
    })
    for (const stream of streams) stream.restore(writer.state)
    // One stream that cannot go on takes the other with it: they share the claim.
    const failure = new AbortController()
    const both = AbortSignal.any([signal, failure.signal])
    const runs = streams.map((stream) =>
      stream.run(both).catch((error: unknown) => {
        failure.abort(error)
        throw error
      }),
    )
    const outcomes = await Promise.allSettled(runs)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
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

    status(): SourceStatus {
      const all = streams.map((stream) => stream.status())
      const worst = Math.max(...all.map(({ state }) => severities.indexOf(state)))
      const errors = all.flatMap(({ lastError }) => lastError ?? [])
      return {
        id: config.id,
        tenant,
        state: severities[worst] ?? 'starting',
        streams: all,
        lastError: errors.sort((a, b) => b.atMs - a.atMs)[0],
      }
    },
  }
}
