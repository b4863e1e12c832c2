/** What our dashboards ask of Prometheus, as Grafana asks it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Prometheus } from './prometheus.ts'

const root = join(import.meta.dirname, '..', '..')

interface Dashboard {
  readonly title: string
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

const dashboards = globSync('monitoring/grafana/dashboards/*.json', { cwd: root }).map(
  (path) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Dashboard,
)

/** `dashboard / panel` with each of its queries. */
export const targets: readonly (readonly [panel: string, expr: string])[] = dashboards.flatMap(({ title, panels }) =>
  panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => [`${title} / ${panel.title}`, expr] as const)),
)

/** What the variables take their values from, each once. */
export const choices: readonly string[] = [
  ...new Set(dashboards.flatMap(({ templating }) => templating.list.flatMap(({ definition }) => definition ?? []))),
]

/** With All chosen, and a scrape every second. */
export const asked = (expr: string): string =>
  expr
    .replace(/"\$\w+"/g, '".+"')
    .replaceAll('$__rate_interval', '4s')
    .replaceAll('$__range', '120s')

/** What a panel has to draw. */
export async function numbersOf(prometheus: Prometheus, expr: string): Promise<readonly number[]> {
  const series = await prometheus.queryRange(asked(expr))
  return series.flatMap(({ values }) => values.map(([, value]) => Number(value))).filter(Number.isFinite)
}
