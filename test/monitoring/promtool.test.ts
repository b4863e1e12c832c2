/** What promtool says of our rules, their tests, the configurations of Prometheus, and what a relay exports. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMonitored } from '../support/monitored.ts'
import { promtool } from '../support/prometheus.ts'
import { temporaryDirectory } from '../support/relay.ts'

const root = join(import.meta.dirname, '..', '..')
const files = (pattern: string): readonly string[] => globSync(pattern, { cwd: root })

test('check rules: all are valid', async () => {
  const rules = files('monitoring/prometheus/rules/*.yml')
  expect(rules).toHaveLength(2)
  expect(await promtool(['check', 'rules', '--lint=all', '--lint-fatal', ...rules])).not.toContain('FAILED')
})

test('test rules: each alert fires when it should, and is quiet when all is well', async () => {
  expect(await promtool(['test', 'rules', ...files('monitoring/prometheus/tests/*.yml')])).toContain('SUCCESS')
})

test.each(files('monitoring/prometheus/*.yml'))('check config: %s', async (path) => {
  using directory = temporaryDirectory()
  const text = readFileSync(join(root, path), 'utf8')
  // Debian builds Prometheus without Kubernetes: how pods are found is left out, what is made of them is not.
  const checked = join(directory.path, 'prometheus.yml')
  writeFileSync(checked, text.replace(/kubernetes_sd_configs: .*/, 'static_configs: [{ targets: ["pod:9464"] }]'))
  expect(await promtool(['check', 'config', '--syntax-only', checked])).toContain('SUCCESS')
})

test('check metrics: names and help of what a running relay exports are as Prometheus wants them', async () => {
  using directory = temporaryDirectory()
  await using relay = await startMonitored({ directory: directory.path })
  const text = await (await fetch(`${relay.relay.adminUrl}/metrics`)).text()
  // Those of Node's come from prom-client.
  const own = text.split('\n').filter((line) => line.includes('siem_relay_'))
  expect(own.length).toBeGreaterThan(100)
  expect(await promtool(['check', 'metrics'], `${own.join('\n')}\n`)).toBe('')
})
