import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'
import { secret } from './secret.ts'

const schema = z.strictObject({
  bus: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('sqlite'), path: z.string().default('./data') }),
      z.strictObject({
        type: z.literal('kafka'),
        brokers: z.array(z.string()).min(1),
        ports: z.array(z.int()).default([]),
      }),
    ])
    .prefault({ type: 'sqlite' }),
  sources: z
    .array(
      z.strictObject({
        id: z.string(),
        pollSeconds: z.number().default(10),
        auth: z.strictObject({ token: secret() }).optional(),
      }),
    )
    .default([]),
  version: z.string().optional(),
  clientIPHeader: z.string().optional(),
  systemName: z.union([z.boolean(), z.string()]).optional(),
  verify: z.boolean().optional(),
  filter: z.record(z.string(), z.unknown()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
})

type Env = Readonly<Record<string, string | undefined>>

const load = (env: Env, text = '') => loadConfig({ schema, text, file: 'relay.yaml', env })

function problemsOf(env: Env, text = ''): readonly string[] {
  try {
    load(env, text)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

const twoSources = 'sources:\n  - id: contoso\n  - id: contoso-eu\n    pollSeconds: 5\n'

describe('a variable', () => {
  test.each<[string, Env, string, object]>([
    [
      'sets a setting of a section',
      { SIEM_RELAY_BUS__PATH: '/data' },
      'bus: { type: sqlite }',
      { bus: { path: '/data' } },
    ],
    [
      'overrides the file',
      { SIEM_RELAY_BUS__PATH: '/data' },
      'bus: { type: sqlite, path: /old }',
      { bus: { path: '/data' } },
    ],
    [
      'makes a section the file does not have',
      { SIEM_RELAY_BUS__TYPE: 'sqlite', SIEM_RELAY_BUS__PATH: '/data' },
      '',
      { bus: { path: '/data' } },
    ],
    ['stays text where text is wanted', { SIEM_RELAY_VERSION: '1.0' }, '', { version: '1.0' }],
    ['stays text even if it looks like YAML', { SIEM_RELAY_VERSION: '*a: [b' }, '', { version: '*a: [b' }],
    ['keeps words in capitals together', { SIEM_RELAY_CLIENT_IP_HEADER: 'x' }, '', { clientIPHeader: 'x' }],
    ['is a boolean where one is wanted', { SIEM_RELAY_VERIFY: 'false' }, '', { verify: false }],
    ['is a boolean or a text where both may be', { SIEM_RELAY_SYSTEM_NAME: 'true' }, '', { systemName: true }],
    ['is a text or a boolean where both may be', { SIEM_RELAY_SYSTEM_NAME: '10.5' }, '', { systemName: '10.5' }],
    [
      'finds a list element by id',
      { SIEM_RELAY_SOURCES__CONTOSO_EU__POLL_SECONDS: '7' },
      twoSources,
      { sources: [{ pollSeconds: 10 }, { pollSeconds: 7 }] },
    ],
    [
      'finds a list element by index',
      { SIEM_RELAY_SOURCES__0__POLL_SECONDS: '7' },
      twoSources,
      { sources: [{ pollSeconds: 7 }, { pollSeconds: 5 }] },
    ],
    [
      'adds a list element, then known by its id',
      { SIEM_RELAY_SOURCES__0__ID: 'a', SIEM_RELAY_SOURCES__A__POLL_SECONDS: '1' },
      '',
      { sources: [{ id: 'a', pollSeconds: 1 }] },
    ],
    [
      'gives a list as YAML',
      { SIEM_RELAY_BUS__BROKERS: '[a:9092, "b:9092"]' },
      'bus: { type: kafka }',
      { bus: { brokers: ['a:9092', 'b:9092'] } },
    ],
    [
      'gives a list with commas',
      { SIEM_RELAY_BUS__BROKERS: 'a:9092, b:9092' },
      'bus: { type: kafka }',
      { bus: { brokers: ['a:9092', 'b:9092'] } },
    ],
    [
      'gives a list of numbers with commas',
      { SIEM_RELAY_BUS__TYPE: 'kafka', SIEM_RELAY_BUS__BROKERS: 'a', SIEM_RELAY_BUS__PORTS: '1,2' },
      '',
      { bus: { ports: [1, 2] } },
    ],
    [
      'switches the type of a section',
      { SIEM_RELAY_BUS__TYPE: 'kafka', SIEM_RELAY_BUS__BROKERS: 'a' },
      'bus: { type: sqlite }',
      { bus: { type: 'kafka', brokers: ['a'] } },
    ],
    [
      'gives a section as JSON',
      { SIEM_RELAY_FILTER: '{"severity":{"eq":[2]}}' },
      '',
      { filter: { severity: { eq: [2] } } },
    ],
    [
      'reaches a free key that is in the file',
      { SIEM_RELAY_LABELS__MY_KEY: 'b' },
      'labels: { myKey: a }',
      { labels: { myKey: 'b' } },
    ],
    ['adds a free key in lower case', { SIEM_RELAY_LABELS__SITE: 'b' }, '', { labels: { site: 'b' } }],
    [
      'that is empty counts as not set',
      { SIEM_RELAY_VERSION: '', SIEM_RELAY_NONSENSE: '' },
      'version: "1"',
      { version: '1' },
    ],
    ['with another prefix is not ours', { SIEM_RELAYX: 'x', PATH: '/bin' }, '', {}],
  ])('%s', (_, env, text, expected) => {
    expect(load(env, text).config).toMatchObject(expected)
  })

  test('sets a secret with line breaks', () => {
    const { config } = load({ SIEM_RELAY_SOURCES__CONTOSO__AUTH__TOKEN: 'line 1\nline 2' }, twoSources)
    expect(config.sources[0]?.auth?.token.reveal()).toBe('line 1\nline 2')
  })

  test.each<[string, Env, string, string]>([
    [
      'that is misspelt is refused with a suggestion',
      { SIEM_RELAY_BUS__PTAH: 'x' },
      '',
      'SIEM_RELAY_BUS__PTAH bus: there is no setting "PTAH" here; did you mean SIEM_RELAY_BUS__PATH?',
    ],
    [
      'with one underscore is refused with a suggestion',
      { SIEM_RELAY_VERISON: 'x' },
      '',
      'SIEM_RELAY_VERISON: there is no setting "VERISON" here; did you mean SIEM_RELAY_VERSION?',
    ],
    [
      'for an unknown id is refused with a suggestion',
      { SIEM_RELAY_SOURCES__CONTOS__POLL_SECONDS: '1' },
      twoSources,
      'SIEM_RELAY_SOURCES__CONTOS__POLL_SECONDS sources: there is no element with this id or index ("CONTOS"); did you mean SIEM_RELAY_SOURCES__CONTOSO?',
    ],
    [
      'for an index with a gap before it is refused',
      { SIEM_RELAY_SOURCES__5__ID: 'x' },
      twoSources,
      'SIEM_RELAY_SOURCES__5__ID sources: there are 2 elements; the next index is 2',
    ],
    [
      'for one of two ids spelt alike is refused',
      { SIEM_RELAY_SOURCES__A_B__POLL_SECONDS: '1' },
      'sources: [{ id: a-b }, { id: a_b }]',
      'SIEM_RELAY_SOURCES__A_B__POLL_SECONDS sources: several elements have ids spelt A_B; use the index instead',
    ],
    [
      'with an empty part is refused',
      { SIEM_RELAY_BUS____PATH: 'x' },
      '',
      'SIEM_RELAY_BUS____PATH bus: there is no setting "" here',
    ],
    [
      'that goes below a plain value is refused',
      { SIEM_RELAY_VERSION__X: 'x' },
      '',
      'SIEM_RELAY_VERSION__X version: there is no setting "X" here',
    ],
    [
      'into something that is no section in the file is refused',
      { SIEM_RELAY_LABELS__A: 'x' },
      'labels: []',
      'SIEM_RELAY_LABELS__A labels.a: labels is not a section in the file',
    ],
    [
      'of the wrong kind is named with its value',
      { SIEM_RELAY_VERIFY: 'yes' },
      '',
      'SIEM_RELAY_VERIFY verify: expected true or false, got "yes"',
    ],
    [
      'that is not YAML is refused',
      { SIEM_RELAY_FILTER: '{"a":' },
      '',
      'SIEM_RELAY_FILTER filter: is not valid YAML; check quotes and brackets',
    ],
    [
      'with a line break is refused',
      { SIEM_RELAY_VERSION: 'a\nb' },
      '',
      'SIEM_RELAY_VERSION version: contains a line break; write it on one line',
    ],
    [
      'with a line break is refused where text is one choice of several',
      { SIEM_RELAY_SYSTEM_NAME: 'a\r\nb' },
      '',
      'SIEM_RELAY_SYSTEM_NAME systemName: contains a line break; write it on one line',
    ],
    [
      'that began an element without its required setting is named',
      { SIEM_RELAY_SOURCES__0__POLL_SECONDS: '1' },
      '',
      'SIEM_RELAY_SOURCES__0__POLL_SECONDS sources[0].id: is required (text)',
    ],
    [
      'that makes keys of objects is refused',
      { SIEM_RELAY___PROTO____X: 'x' },
      '',
      'SIEM_RELAY___PROTO____X: there is no setting "" here',
    ],
  ])('%s', (_, env, text, problem) => {
    expect(problemsOf(env, text)).toContain(problem)
  })

  test('that is wrong comes after the file, in order of the names', () => {
    expect(
      problemsOf({ SIEM_RELAY_Z: 'x', SIEM_RELAY_VERIFY: '5', SIEM_RELAY_B: 'x' }, 'nope: 1').map(
        (line) => line.split(/[: ]/)[0],
      ),
    ).toEqual(['relay.yaml', 'SIEM_RELAY_B', 'SIEM_RELAY_VERIFY', 'SIEM_RELAY_Z'])
  })

  test('that Kubernetes sets for a Service of our name is a warning', () => {
    const { warnings } = load({
      SIEM_RELAY_SERVICE_HOST: '10.0.0.1',
      SIEM_RELAY_SERVICE_PORT_HTTP: '8080',
      SIEM_RELAY_PORT: 'tcp://10.0.0.1:8080',
      SIEM_RELAY_PORTAL_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      SIEM_RELAY_PORT_8080_TCP_ADDR: '10.0.0.1',
    })
    expect(warnings).toHaveLength(5)
    expect(warnings[0]).toContain('enableServiceLinks: false')
    expect(problemsOf({ SIEM_RELAY_PORT: '8080' })).toHaveLength(1)
  })

  test('that means something else can be left out', () => {
    expect(() =>
      loadConfig({ schema, text: '', env: { SIEM_RELAY_CONFIG: 'x' }, envIgnored: ['SIEM_RELAY_CONFIG'] }),
    ).not.toThrow()
  })
})
