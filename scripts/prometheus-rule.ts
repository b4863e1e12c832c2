/** monitoring/prometheus/rules as the Prometheus Operator takes them, written by `npm run docs`: one truth for compose and Kubernetes. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseYaml } from '../packages/service-kit/src/config/yaml-source.ts'
import { yamlText } from './sentinel/yaml.ts'

const root = join(import.meta.dirname, '..')
const prometheusRulePath = 'deploy/kubernetes/components/monitoring/prometheus-rule.yaml'

export function prometheusRule(): ReadonlyMap<string, string> {
  const resource = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'siem-relay' },
    spec: { groups: ruleGroups() },
  }
  return new Map([
    [
      prometheusRulePath,
      `# Made by \`npm run docs\` from monitoring/prometheus/rules: change it there.\n${yamlText(resource)}`,
    ],
  ])
}

/** All groups, in the order of their files. */
export function ruleGroups(): readonly object[] {
  return globSync('monitoring/prometheus/rules/*.yml', { cwd: root })
    .toSorted()
    .flatMap((path) => {
      const { value, problems } = parseYaml(readFileSync(join(root, path), 'utf8'))
      if (problems.length > 0) throw new Error(`${path}: ${JSON.stringify(problems)}`)
      return (value as { groups: object[] }).groups
    })
}
