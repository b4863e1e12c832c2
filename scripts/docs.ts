/** Writes the parts of the docs, of deploy/sentinel and of monitoring that are made from the code: `npm run docs`. test/docs.test.ts,
 *  test/sentinel/files.test.ts and test/monitoring.test.ts hold them to it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generatedDocs } from './generated-docs.ts'
import { dashboards } from './grafana/dashboards.ts'
import { prometheusRule } from './prometheus-rule.ts'
import { sentinelTemplates } from './sentinel-templates.ts'

const root = join(import.meta.dirname, '..')
for (const [path, text] of [...(await generatedDocs()), ...sentinelTemplates(), ...dashboards(), ...prometheusRule()]) {
  mkdirSync(join(root, dirname(path)), { recursive: true })
  writeFileSync(join(root, path), text)
  process.stdout.write(`${path}\n`)
}
