import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig } from './load.ts'
import { renderConfig } from './render.ts'
import { secret } from './secret.ts'

const schema = z.strictObject({
  host: z.union([z.string(), z.array(z.string())]).transform((host) => (typeof host === 'string' ? [host] : host)),
  port: z.int().default(514),
  token: secret(),
  proxy: z.string(),
  name: z.string().optional(),
  list: z.array(z.string()).default([]),
})

describe('renderConfig', () => {
  const { config, origins } = loadConfig({
    schema,
    text: 'host: siem\ntoken: canary\nproxy: http://me:canary@proxy:3128\n',
    file: 'relay.yaml',
    env: { SIEM_RELAY_NAME: 'true' },
  })
  const text = renderConfig(config, origins)

  test('shows every value in force with its origin', () => {
    expect(text.split('\n')).toEqual([
      'host:',
      '  - siem # relay.yaml:1:7',
      'port: 514 # default',
      'token: "[redacted]" # relay.yaml:2:8',
      'proxy: http://[redacted]@proxy:3128 # relay.yaml:3:8',
      'name: "true" # environment SIEM_RELAY_NAME',
      'list: []',
      '',
    ])
  })

  test('shows no secret', () => {
    expect(text).not.toContain('canary')
  })

  test('is YAML that reads back as it is in force', () => {
    expect(parse(text)).toMatchObject({ host: ['siem'], port: 514, name: 'true', list: [] })
  })
})
