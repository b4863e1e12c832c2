/** How the sources are: what collectors told the log, and what the one in this process knows at this moment, which is there also
 *  while the log takes nothing. */
import type { Bus } from '@siem-relay/bus'
import {
  decodeSourceReport,
  type SourceReport,
  type SourceView,
  sourceStatusTopic,
  viewSources,
} from '@siem-relay/common'
import type { RelayConfig } from '../config/schema.ts'

export async function lookAtSources(
  bus: Bus,
  sources: RelayConfig['sources'],
  own: readonly SourceReport[],
  nowMs: number,
): Promise<readonly SourceView[]> {
  await using table = await bus.table(sourceStatusTopic)
  const reports = new Map(own.map((report) => [report.id, report]))
  for (const [id, value] of table.entries()) {
    const told = decodeSourceReport(value)
    if (told !== undefined && !reports.has(id)) reports.set(id, told)
  }
  return viewSources(sources, [...reports.values()], nowMs)
}
