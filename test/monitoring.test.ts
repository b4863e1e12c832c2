/** What operators look at cannot drift from the code: rules and dashboards name metrics that exist, every alert has its page. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseYaml } from '../packages/service-kit/src/config/yaml-source.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const yaml = <Value>(path: string): Value => {
  const { value, problems } = parseYaml(read(path))
  expect(problems).toEqual([])
  return value as Value
}

interface Rule {
  readonly alert: string
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

interface Dashboard {
  readonly uid: string
  readonly id: null
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
}

/** The dashboard's own variable. */
const chosenSource = ['$', '{datasource}'].join('')

const rules = globSync('monitoring/prometheus/rules/*.yml', { cwd: root }).flatMap((path) =>
  yaml<{ groups: { rules: Rule[] }[] }>(path).groups.flatMap((group) => group.rules),
)
const dashboards = globSync('monitoring/grafana/dashboards/*.json', { cwd: root }).map(
  (path) => JSON.parse(read(path)) as Dashboard,
)
const panels = dashboards.flatMap((dashboard) => dashboard.panels.filter(({ type }) => type !== 'row'))

/** Names in the reference, with the series a histogram has. */
const known = new Set(
  [...read('docs/operating/metrics-reference.md').matchAll(/^\| `(siem_relay_\w+)` \| (\w+)/gm)].flatMap(
    ([, name = '', type]) => (type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name]),
  ),
)
const namesIn = (text: string): readonly string[] => text.match(/\bsiem_relay_\w+/g) ?? []

describe('every metric exists that is named in', () => {
  test.each([
    ['the alert rules', () => rules.flatMap(({ expr }) => namesIn(expr))],
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
    const named = (isFiring: boolean): readonly string[] =>
      tests.filter(({ exp_alerts }) => exp_alerts.length > 0 === isFiring).map(({ alertname }) => alertname)
    const names = rules.map(({ alert }) => alert).toSorted()
    expect(named(false).toSorted()).toEqual(names)
    expect(named(true).toSorted()).toEqual(names)
  })
})

describe('dashboards', () => {
  test('have a stable uid, no id of one Grafana, and a data source to choose', () => {
    expect(dashboards.length).toBeGreaterThan(0)
    for (const { uid, id, schemaVersion, templating } of dashboards) {
      expect(uid).toMatch(/^siem-relay/)
      expect(id).toBeNull()
      expect(schemaVersion).toBeGreaterThanOrEqual(39)
      expect(templating.list.map(({ name }) => name)).toEqual(expect.arrayContaining(['datasource', 'job', 'instance']))
      expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' })
    }
  })

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    '%s: title, description, unit, chosen source, job and instance',
    (title, panel) => {
      expect(title).not.toBe('')
      expect(panel.description ?? '').toMatch(/\.$/)
      expect(panel.fieldConfig?.defaults.unit ?? '').not.toBe('')
      expect(panel.datasource?.uid).toBe(chosenSource)
      expect(panel.targets?.length).toBeGreaterThan(0)
      for (const { expr, datasource } of panel.targets ?? []) {
        expect(datasource.uid).toBe(chosenSource)
        expect(expr).toContain('job=~"$job", instance=~"$instance"')
        // Fixed windows miss or double samples when the scrape interval changes.
        expect(expr).not.toMatch(/\[\d/)
      }
    },
  )

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
