/** What the tests of `deploy/sentinel` look at: its files, and its template with little and with everything given. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parseYaml } from '../../packages/service-kit/src/config/yaml-source.ts'
import { readContent } from '../../scripts/sentinel/content.ts'
import type { Resource, Template } from './arm.ts'

export const root = join(import.meta.dirname, '..', '..')
export const read = (path: string): string => readFileSync(join(root, path), 'utf8')
export const content = readContent()
export const template = JSON.parse(read('deploy/sentinel/azuredeploy.json')) as Template

export const minimal = { workspaceName: 'soc' }
export const everything = {
  workspaceName: 'soc',
  createWorkspace: true,
  principalId: '99999999-8888-7777-6666-555555555555',
  dataCollectionEndpointName: 'soc-endpoint',
  alertRuleShards: 4,
  discoveryTablePlan: 'Basic',
  actionGroupId: '/subscriptions/sub/resourceGroups/group/providers/Microsoft.Insights/actionGroups/soc',
}

export function only(resources: readonly Resource[], type: string): Resource {
  const [found, ...others] = resources.filter((resource) => resource.type === type)
  if (found === undefined || others.length > 0) throw new Error(`not one ${type}`)
  return found
}

export function yaml<Value>(path: string): Value {
  const { value, problems } = parseYaml(read(path))
  expect(problems).toEqual([])
  return value as Value
}
