/** The dashboards, by path: an overview, then an agent, a source, Sentinel and lag in detail. Written by `npm run docs`. */
import { agentDashboard } from './agent.ts'
import { kafkaDashboard } from './kafka.ts'
import { overviewDashboard } from './overview.ts'
import { dashboardJson } from './panels.ts'
import { sentinelDashboard } from './sentinel.ts'
import { sourceDashboard } from './source.ts'

export function dashboards(): ReadonlyMap<string, string> {
  return new Map(
    [overviewDashboard, agentDashboard, sourceDashboard, sentinelDashboard, kafkaDashboard].map((dashboard) => [
      `monitoring/grafana/dashboards/${dashboard.uid}.json`,
      dashboardJson(dashboard),
    ]),
  )
}
