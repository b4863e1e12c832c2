/** A source that others hand discovery rows to, by HTTP or in files: claims its place in the log, then takes rows in both ways on one
 *  memory of what was taken. It asks nobody, so it has no budget. */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { RelayError } from '@siem-relay/common'
import { claimSource, runTogether, statusOf } from '../life.ts'
import { StreamReport } from '../report.ts'
import { tenantOf } from '../settings.ts'
import type { Source, SourceContext, StreamStatus } from '../source.ts'
import type { DiscoveryIntakeSourceConfig, HttpIntakeConfig } from './config.ts'
import { Directory } from './directory.ts'
import { decodePlace } from './file-place.ts'
import { Requests } from './http-requests.ts'
import { type HttpLimits, httpLimits, serveHttp } from './http-server.ts'
import { Ledger, type Taken } from './ledger.ts'
import type { BadRow } from './rows/reader.ts'

/** A client gives up sooner or later; before that it is told to come again. */
const commitWaitMs = 30_000

/** @throws {RelayError} `RELAY_CONFIG_INVALID` for a certificate that cannot be used. */
export function openDiscoveryIntakeSource(
  config: DiscoveryIntakeSourceConfig,
  context: SourceContext,
  limits: HttpLimits = httpLimits,
): Source {
  const { world, metrics } = context
  const { id: sourceId, http, directory } = config
  const name = { id: sourceId, tenant: tenantOf(config) }
  const tls = tlsOf(http?.tls)
  const reportOf = (way: string) => new StreamReport(world, { source: sourceId, kind: 'discovery', way })
  const reports = {
    log: reportOf('log'),
    ...(http === undefined ? {} : { http: reportOf('http') }),
    ...(directory === undefined ? {} : { directory: reportOf('directory') }),
  }
  const ledger = new Ledger({ sourceId, tenant: name.tenant, context, report: reports.log })

  function countedBy(way: 'http' | 'directory') {
    return ({
      accepted,
      repeated,
      rejected,
    }: Taken & { readonly rejected: readonly Pick<BadRow, 'reason'>[] }): void => {
      metrics.intakeRows.inc({ source: sourceId, way, result: 'accepted' }, accepted)
      metrics.intakeRows.inc({ source: sourceId, way, result: 'repeated' }, repeated)
      metrics.intakeRows.inc({ source: sourceId, way, result: 'rejected' }, rejected.length)
      for (const { reason } of rejected) metrics.intakeRejected.inc({ source: sourceId, way, reason })
    }
  }

  function serve(settings: HttpIntakeConfig, report: StreamReport, signal: AbortSignal): Promise<never> {
    const requests = new Requests({
      config: settings,
      ledger,
      tooLong: (waiting) => world.clock.sleep(commitWaitMs, waiting),
      counted: countedBy('http'),
    })
    const counted = (result: string): void => metrics.intakeRequests.inc({ source: sourceId, result })
    return serveHttp({ sourceId, config: settings, tls, world, report, requests, counted, limits }, signal)
  }

  async function collect(signal: AbortSignal): Promise<void> {
    await using writer = await claimSource(world, name, ['discovery'], signal)
    const last = decodePlace(writer.state)
    const parts = [
      (both: AbortSignal): Promise<never> => {
        ledger.open(writer, both)
        return ledger.watch(both)
      },
    ]
    if (http !== undefined && reports.http !== undefined) {
      const report = reports.http
      parts.push((both) => serve(http, report, both))
    }
    if (directory !== undefined && reports.directory !== undefined) {
      const files = new Directory({
        sourceId,
        config: directory,
        world,
        ledger,
        report: reports.directory,
        counted: countedBy('directory'),
        moved: (shelf) => metrics.intakeFiles.inc({ source: sourceId, result: shelf }),
      })
      parts.push((both) => files.run(last, both))
    }
    try {
      await runTogether(parts, signal)
    } finally {
      await ledger.settled()
    }
  }

  /** The worst of the ways in and of the log. While all is well and no file waits, everything handed in was taken. */
  function stream(): StreamStatus {
    const all = Object.values(reports).map((report) => report.status(undefined))
    const { state, lastError } = statusOf(name, all)
    const backlog = reports.directory?.status(undefined).backlog
    const isUpToDate = state === 'collecting' && (backlog ?? 0) === 0
    return {
      kind: 'discovery',
      state,
      hasSucceeded: all.every(({ hasSucceeded }) => hasSucceeded),
      watermarkMs: isUpToDate ? world.clock.nowMs() : ledger.lastMs,
      backlog,
      lastError,
      gaps: [],
    }
  }

  return {
    id: sourceId,
    async run(signal) {
      const labels = { source: sourceId, kind: 'discovery' }
      const setGauge = (): void => {
        const { watermarkMs } = stream()
        if (watermarkMs !== undefined)
          metrics.checkpointAge.set(labels, Math.max(0, world.clock.nowMs() - watermarkMs) / 1_000)
      }
      metrics.setters.add(setGauge)
      try {
        await collect(signal)
      } catch (error) {
        if (!signal.aborted || ledger.isLost) throw error
      } finally {
        metrics.setters.delete(setGauge)
        // Another instance may have it now, whose gauge is the one that counts.
        metrics.checkpointAge.remove(labels)
      }
    },
    status: () => statusOf(name, [stream()]),
  }
}

function tlsOf(files: HttpIntakeConfig['tls']): { readonly cert: string; readonly key: string } | undefined {
  if (files === undefined) return undefined
  try {
    const tls = { cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') }
    createSecureContext(tls)
    return tls
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    throw new RelayError(
      'RELAY_CONFIG_INVALID',
      `tls.certFile ${files.certFile} and tls.keyFile ${files.keyFile} cannot be used: ${reason}`,
      { cause: error },
    )
  }
}
