/** What operators look at cannot drift from the code: rules and dashboards name metrics that exist, every alert has its page. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseYaml } from '../packages/service-kit/src/config/yaml-source.ts'
import { dashboards as generatedDashboards } from '../scripts/grafana/dashboards.ts'
import { prometheusRule } from '../scripts/prometheus-rule.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const yaml = <Value>(path: string): Value => {
  const { value, problems } = parseYaml(read(path))
  expect(problems).toEqual([])
  return value as Value
}

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string }
}

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

interface Variable {
  readonly name: string
  readonly type: string
  readonly label: string
  readonly refresh: number
  readonly multi?: boolean
  readonly allValue?: string
  readonly datasource?: { readonly uid: string }
}

interface Exclusions {
  readonly exclusions: Readonly<
    Record<string, { readonly reason: string; readonly entries: readonly { dashboard: string; panel: string }[] }>
  >
}

interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly editable: boolean
  readonly id: null
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

/** The dashboard's own variable. */
const chosenSource = '$datasource'

const allRules = globSync('monitoring/prometheus/rules/*.yml', { cwd: root })
  .toSorted()
  .flatMap((path) => yaml<{ groups: { rules: Rule[] }[] }>(path).groups.flatMap((group) => group.rules))
const rules = allRules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }]))
const recorded = new Set(allRules.flatMap(({ record }) => record ?? []))
const dashboards = globSync('monitoring/grafana/dashboards/*.json', { cwd: root }).map(
  (path) => JSON.parse(read(path)) as Dashboard,
)
const panels = dashboards.flatMap(({ title, panels: all }) =>
  all.filter(({ type }) => type !== 'row').map((panel) => ({ dashboard: title, ...panel })),
)
/** As dashboard-linter reads it. */
const { exclusions } = yaml<Exclusions>('monitoring/grafana/.lint')
const isExcluded = (rule: string, panel: (typeof panels)[number]): boolean =>
  exclusions[rule]?.entries.some((entry) => entry.dashboard === panel.dashboard && entry.panel === panel.title) ?? false

/** Units of Grafana that the panels use: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts */
const units = ['short', 's', 'bytes', 'Bps', 'reqps', 'recps', 'rowsps', 'mps', 'ops', 'percentunit']

/** Names in the reference, with the series a histogram has. */
const known = new Set(
  [...read('docs/operating/metrics-reference.md').matchAll(/^\| `(siem_relay_\w+)` \| (\w+)/gm)].flatMap(
    ([, name = '', type]) => (type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name]),
  ),
)
const namesIn = (text: string): readonly string[] => text.match(/(?<![:\w])siem_relay_\w+(?!:)\b/g) ?? []
const recordsIn = (text: string): readonly string[] => text.match(/\b\w+:(?:siem_relay|process)_\w+:\w+/g) ?? []

describe('every metric exists that is named in', () => {
  test.each([
    ['the rules', () => allRules.flatMap(({ expr }) => namesIn(expr))],
    ['the tests of the rules', () => namesIn(read('monitoring/prometheus/tests/siem-relay.test.yml'))],
    ['the dashboards', () => namesIn(JSON.stringify(dashboards))],
    [
      'the runbooks',
      () => globSync('docs/operating/runbooks/*.md', { cwd: root }).flatMap((page) => namesIn(read(page))),
    ],
  ])('%s', (_, names) => {
    expect(names().length).toBeGreaterThan(5)
    const histograms = new Set([...known].map((name) => name.replace(/_(bucket|sum|count)$/, '')))
    expect(names().filter((name) => !known.has(name) && !histograms.has(name))).toEqual([])
  })
})

test('every measure exists that rules and dashboards take from recording rules, and each is named by its level, metric and operation', () => {
  const used = [...allRules.flatMap(({ expr }) => recordsIn(expr)), ...recordsIn(JSON.stringify(dashboards))]
  expect(used.length).toBeGreaterThan(3)
  expect(used.filter((name) => !recorded.has(name))).toEqual([])
  for (const name of recorded) expect(name).toMatch(/^[a-z_]+:[a-z_]+:[a-z0-9_]+$/)
})

describe('alerts', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says what is wrong, to whom, and what to do',
    (name, rule) => {
      expect(rule.labels.severity).toMatch(/^(page|ticket)$/)
      expect(rule.annotations.summary).not.toBe('')
      expect(rule.annotations.description).not.toBe('')
      expect(rule.annotations.runbook).toBe(`docs/operating/runbooks/${name}.md`)
      expect([...read(rule.annotations.runbook).matchAll(/^#+ (.+)$/gm)].map((match) => match[1])).toEqual([
        name,
        'Meaning',
        'Impact',
        'Diagnosis',
        'Mitigation',
      ])
    },
  )

  test('every runbook belongs to an alert, and the list names them all', () => {
    const pages = globSync('docs/operating/runbooks/*.md', { cwd: root })
      .map((page) => page.replace(/^.*[\\/]|\.md$/g, ''))
      .filter((page) => page !== 'README')
    expect(pages.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
    for (const page of pages) expect(read('docs/operating/runbooks/README.md')).toContain(`(${page}.md)`)
  })

  test('each is tested both ways: quiet when all is well, and firing', () => {
    const tests = yaml<{
      tests: { name: string; alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }>('monitoring/prometheus/tests/siem-relay.test.yml').tests.flatMap((each) => each.alert_rule_test)
    const named = (isFiring: boolean): readonly string[] => [
      ...new Set(
        tests.filter(({ exp_alerts }) => exp_alerts.length > 0 === isFiring).map(({ alertname }) => alertname),
      ),
    ]
    const names = rules.map(({ alert }) => alert).toSorted()
    expect(named(false).toSorted()).toEqual(names)
    expect(named(true).toSorted()).toEqual(names)
  })
})

describe('dashboards', () => {
  test('are what `npm run docs` writes', () => {
    const generated = generatedDashboards()
    expect(globSync('monitoring/grafana/dashboards/*', { cwd: root }).toSorted()).toEqual(
      [...generated.keys()].toSorted(),
    )
    for (const [path, text] of generated) expect(read(path)).toBe(text)
  })

  test('have a stable uid, no id of one Grafana, and a data source to choose', () => {
    expect(dashboards.map(({ uid }) => uid).toSorted()).toEqual([
      'siem-relay',
      'siem-relay-agent',
      'siem-relay-kafka',
      'siem-relay-sentinel',
      'siem-relay-source',
    ])
    for (const { id, editable, schemaVersion, templating } of dashboards) {
      expect(id).toBeNull()
      expect(editable).toBe(false)
      expect(schemaVersion).toBeGreaterThanOrEqual(39)
      const [source, ...others] = templating.list
      expect(source).toMatchObject({
        name: 'datasource',
        type: 'datasource',
        query: 'prometheus',
        label: 'Data source',
      })
      expect(others.slice(0, 2).map(({ name, label }) => [name, label])).toEqual([
        ['job', 'Job'],
        ['instance', 'Instance'],
      ])
      for (const variable of others)
        expect(variable).toMatchObject({
          type: 'query',
          datasource: { uid: chosenSource },
          // Values of the time shown, not of the time of loading.
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: '.+',
        })
    }
  })

  test.each(panels.map((panel) => [`${panel.dashboard} / ${panel.title}`, panel] as const))(
    '%s: title, description, unit, chosen source, job and instance',
    (_, panel) => {
      expect(panel.title).not.toBe('')
      expect(panel.description ?? '').toMatch(/\.$/)
      expect(units).toContain(panel.fieldConfig?.defaults.unit)
      expect(panel.datasource?.uid).toBe(chosenSource)
      expect(panel.targets?.length).toBeGreaterThan(0)
      for (const { expr, datasource } of panel.targets ?? []) {
        expect(datasource.uid).toBe(chosenSource)
        if (!isExcluded('target-job-rule', panel)) expect(expr).toContain('job=~"$job"')
        if (!isExcluded('target-instance-rule', panel)) expect(expr).toContain('instance=~"$instance"')
        // Fixed windows miss or double samples when the scrape interval changes.
        expect(expr).not.toMatch(/\[\d/)
        for (const [, before = ''] of expr.matchAll(/(\w*)\(?\b\w+_(?:total|bucket|count)\{/g))
          expect(before).toMatch(/^(rate|increase)$/)
      }
    },
  )

  test('every exception of the linter has a reason and a panel', () => {
    for (const { reason, entries } of Object.values(exclusions)) {
      expect(reason).not.toBe('')
      for (const entry of entries)
        expect(panels.some(({ dashboard, title }) => entry.dashboard === dashboard && entry.panel === title)).toBe(true)
    }
  })

  test('panels have ids of their own and do not lie on each other', () => {
    for (const { panels: all } of dashboards) {
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
      const cells = all.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
      )
      expect(new Set(cells).size).toBe(cells.length)
    }
  })

  test('one panel shows the balance: received = delivered + discarded + dead-lettered + in flight', () => {
    const balance = panels.find(({ title }) => title === 'Balance')
    expect(balance?.targets?.flatMap(({ expr }) => namesIn(expr))).toEqual([
      'siem_relay_records_formatter_total',
      'siem_relay_messages_delivered_total',
      'siem_relay_records_discarded_total',
      'siem_relay_records_dead_lettered_total',
      'siem_relay_consumer_lag_records',
    ])
  })
})

test('Prometheus asks every service of the compose file, all replicas of it', () => {
  const jobs = yaml<{
    scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; type: string; port: number }[] }[]
  }>('monitoring/prometheus/prometheus.yml').scrape_configs.filter(({ dns_sd_configs }) => dns_sd_configs !== undefined)
  // Services that run the relay have its configuration.
  const services = [...read('docker-compose.yml').matchAll(/^ {2}(\S+):\n {4}<<: \*service$/gm)].map(
    (match) => match[1],
  )
  expect(services.length).toBeGreaterThan(2)
  expect(jobs.map(({ job_name }) => job_name)).toEqual(services)
  for (const { job_name, dns_sd_configs } of jobs)
    expect(dns_sd_configs).toEqual([{ names: [job_name], type: 'A', port: 9464, refresh_interval: '10s' }])
})

test('the rules for the Prometheus Operator are those of Prometheus', () => {
  const [[path = '', text] = []] = prometheusRule()
  expect(read(path)).toBe(text)
  const { kind, spec } = yaml<{ kind: string; spec: { groups: { name: string; rules: Rule[] }[] } }>(path)
  expect(kind).toBe('PrometheusRule')
  expect(spec.groups.flatMap((group) => group.rules)).toEqual(allRules)
})

test('in Kubernetes, Prometheus finds the pods by their labels, and their service becomes the job that rules ask for', () => {
  const [job] = yaml<{ scrape_configs: { kubernetes_sd_configs: object[]; relabel_configs: object[] }[] }>(
    'monitoring/prometheus/prometheus-kubernetes.yml',
  ).scrape_configs
  expect(job?.kubernetes_sd_configs).toEqual([{ role: 'pod', namespaces: { names: ['siem-relay'] } }])
  expect(job?.relabel_configs).toContainEqual({
    source_labels: ['__meta_kubernetes_pod_label_app_kubernetes_io_component'],
    target_label: 'job',
  })
})

test('compose gives Grafana a fixed version, the dashboards where it looks for them, and Prometheus by its name', () => {
  const compose = read('docker-compose.yml')
  expect(compose).toMatch(/image: grafana\/grafana:\$\{GRAFANA_TAG:-\d+\.\d+\.\d+\}/)
  const [provider] = yaml<{ providers: { options: { path: string } }[] }>(
    'monitoring/grafana/provisioning/dashboards/siem-relay.yaml',
  ).providers
  const folder = provider?.options.path ?? ''
  expect(compose).toContain(`- ./monitoring/grafana/dashboards:${folder}:ro`)
  expect(compose).toContain('- ./monitoring/grafana/provisioning:/etc/grafana/provisioning:ro')
  expect(compose).toContain(`GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: ${folder}/siem-relay.json`)
  const [source] = yaml<{ datasources: { type: string; url: string }[] }>(
    'monitoring/grafana/provisioning/datasources/prometheus.yaml',
  ).datasources
  expect(source).toMatchObject({ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true })
})
