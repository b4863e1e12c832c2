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

/** What is known of a source without asking anybody. */
export interface ConfiguredSource {
  readonly id: string
  /** Default: the id. */
  readonly tenant?: string | undefined
  readonly type: string
}

export async function lookAtSources(
  bus: Bus,
  sources: readonly ConfiguredSource[],
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
