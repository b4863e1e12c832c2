/** The README's record in gives its line out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentSchema, createPipeline } from '@siem-relay/common'
import { expect, test } from 'vitest'

test('the README shows what the relay does', () => {
  const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8')
  const [, record = '', line = ''] = /<!-- example[^>]*-->\n```json\n([^`]+)\n```\n+```\n(.+)\n```/.exec(readme) ?? []
  const agent = agentSchema.parse({ id: 'readme', console: true, device: { version: '0.102.17' } })
  const pipeline = createPipeline(agent, { defaultVersion: '', bytesMax: 8_192, nowMs: () => 0 })
  const outcome = pipeline(
    { body: Buffer.from(record), kind: 'alert', tenant: 't', source: 's', portalUrl: 'https://portal', receivedMs: 0 },
    () => false,
  )
  expect(outcome).toMatchObject({ outcome: 'message', line })
})
