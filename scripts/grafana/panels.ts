/** Grafana's classic dashboard JSON, as far as ours need it: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
 *  What the dashboards show is dashboards.ts; the rules they keep are dashboard-linter's (test/monitoring.test.ts). */

export interface Target {
  /** PromQL; `metric()` writes the selectors every query has. */
  readonly expr: string
  readonly legend: string
}

export interface Panel {
  readonly type: 'timeseries' | 'stat'
  readonly title: string
  readonly description: string
  readonly unit: string
  /** Columns of 24. */
  readonly width: number
  readonly targets: readonly Target[]
  /** Lines lie on each other; the first one alone on top of them. */
  readonly isStacked?: boolean
  /** Values from which on it takes a colour. */
  readonly thresholds?: readonly (readonly [from: number | null, color: string])[]
  /** Words for values. */
  readonly words?: Readonly<Record<string, string>>
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(…)`. */
  readonly query: string
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
}

/** A metric of the chosen processes. */
export function metric(name: string, ...matchers: readonly string[]): string {
  return `${name}{${['job=~"$job"', 'instance=~"$instance"', ...matchers].join(', ')}}`
}

export const rate = (selector: string): string => `rate(${selector}[$__rate_interval])`
export const increase = (selector: string): string => `increase(${selector}[$__rate_interval])`
export const sumBy = (labels: string, expr: string): string => `sum by (${labels}) (${expr})`
export const maxBy = (labels: string, expr: string): string => `max by (${labels}) (${expr})`

/** Percentiles of a histogram, a line each. */
export function quantiles(
  name: string,
  labels: string,
  legend: string,
  ...matchers: readonly string[]
): readonly Target[] {
  return [0.5, 0.95].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${sumBy(`le, ${labels}`, rate(metric(`${name}_bucket`, ...matchers)))})`,
    legend: `${legend} p${quantile * 100}`,
  }))
}

const source = { type: 'prometheus', uid: '$datasource' }
const panelHeight = { timeseries: 8, stat: 5 } as const
const columns = 24

export function dashboardJson({ uid, title, description, variables, rows }: Dashboard): string {
  const json = {
    uid,
    title,
    description,
    id: null,
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    tags: ['siem-relay'],
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [datasourceVariable, ...[...processVariables, ...variables].map(queryVariable)] },
    annotations: { list: [] },
    links: [
      {
        type: 'dashboards',
        title: 'siem-relay',
        tags: ['siem-relay'],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
      },
    ],
    panels: [...laidOut(rows)],
  }
  return `${JSON.stringify(json, undefined, 2)}\n`
}

const datasourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  current: {},
  refresh: 1,
}

const processVariables: readonly Variable[] = [
  { name: 'job', label: 'Job', query: 'label_values(siem_relay_build_info, job)' },
  { name: 'instance', label: 'Instance', query: 'label_values(siem_relay_build_info{job=~"$job"}, instance)' },
]

function queryVariable({ name, label, query }: Variable): object {
  return {
    name,
    label,
    type: 'query',
    datasource: source,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.+',
    current: { text: ['All'], value: ['$__all'] },
    sort: 1,
  }
}

/** Rows one below the other, panels from left to right as they fit. */
function* laidOut(rows: readonly Row[]): Iterable<object> {
  let id = 1
  let y = 0
  for (const { title, panels } of rows) {
    yield { id: id++, type: 'row', title, collapsed: false, gridPos: { h: 1, w: columns, x: 0, y }, panels: [] }
    y += 1
    let x = 0
    let height = 0
    for (const panel of panels) {
      if (x + panel.width > columns) {
        y += height
        x = 0
        height = 0
      }
      const h = panelHeight[panel.type]
      yield panelJson(panel, id++, { h, w: panel.width, x, y })
      x += panel.width
      height = Math.max(height, h)
    }
    y += height
  }
}

function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { type, title, description, unit, thresholds, words } = panel
  return {
    id,
    type,
    title,
    description,
    datasource: source,
    gridPos,
    targets: panel.targets.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: source,
      expr,
      legendFormat: legend,
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(thresholds && {
          thresholds: { mode: 'absolute', steps: thresholds.map(([value, color]) => ({ color, value })) },
        }),
        ...(words && {
          mappings: [
            { type: 'value', options: Object.fromEntries(Object.entries(words).map(([key, text]) => [key, { text }])) },
          ],
        }),
        ...(type === 'timeseries' && { custom: lines(panel) }),
      },
      overrides: panel.isStacked === true ? [unstacked(panel.targets[0]?.legend ?? '')] : [],
    },
    options: type === 'stat' ? statOptions(thresholds !== undefined) : lineOptions,
  }
}

function lines({ isStacked = false }: Panel): object {
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: isStacked ? 40 : 10,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
  }
}

function unstacked(name: string): object {
  return {
    matcher: { id: 'byName', options: name },
    properties: [
      { id: 'custom.stacking', value: { mode: 'none' } },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.lineWidth', value: 2 },
    ],
  }
}

const lineOptions = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
}

function statOptions(isColoured: boolean): object {
  return {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    colorMode: isColoured ? 'background' : 'value',
    graphMode: 'area',
    textMode: 'auto',
  }
}
