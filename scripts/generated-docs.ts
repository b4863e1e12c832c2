/** Reference pages made from the code, by path: the errors table, the filter language, the configuration and its JSON Schema. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventKind, errorCodes, filterOperatorReference, filterReference } from '@siem-relay/common'
import { memoryLogger } from '@siem-relay/service-kit/testing'
import { serviceNames, startRelay } from '../app/src/all-in-one.ts'
import { buildProgram } from '../app/src/cli.ts'
import { schemaText } from '../app/src/commands/schema.ts'
import { relayConfigSchema } from '../app/src/config/schema.ts'
import { systemTerminal } from '../app/src/terminal.ts'
import { commandsPage } from './commands-page.ts'
import { page, table } from './reference-page.ts'

export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/using/siem-relay.schema.json', schemaText()],
    ['docs/using/configuration-reference.md', configurationPage()],
    ['docs/using/filter-reference.md', filterPage()],
    ['docs/operating/errors.md', errorsPage()],
    ['docs/operating/metrics-reference.md', await metricsPage()],
    ['docs/operating/commands.md', commandsPage(buildProgram(systemTerminal))],
  ])
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, { disposition, nextMove }]) => [
    `\`${code}\``,
    disposition,
    nextMove,
  ])
  return page(
    'Errors',
    'Every error the relay raises on purpose has a code. `retry`: the same work again, later, with back-off. `dead-letter`: this record can never pass; it is kept with its reason. `stop`: this source or agent pauses and says so; it goes on by itself once the cause is gone.',
    table(['code', 'what the relay does', 'what you do'], rows),
  )
}

/** The metrics a relay registers that has a source and an agent; neither has to be reachable for that. */
async function metricsPage(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-docs-'))
  const relay = await startRelay({
    config: relayConfigSchema.parse({
      bus: { path: directory },
      admin: { listen: '127.0.0.1:0' },
      sources: [
        { id: 'a', type: 'defender-for-cloud-apps', url: 'http://127.0.0.1:1', auth: { type: 'token', token: 'x' } },
      ],
      agents: [{ id: 'a', syslog: { host: '127.0.0.1', port: 1 } }],
    }),
    services: serviceNames,
    log: memoryLogger().log,
    stdout: process.stdout,
    env: {},
  })
  const labels = new Map(relay.metrics.getMetricsAsArray().map((metric) => [metric.name, labelsOf(metric)]))
  const rows = (await relay.metrics.getMetricsAsJSON())
    .filter(({ name }) => name.startsWith('siem_relay_'))
    .toSorted((left, right) => left.name.localeCompare(right.name))
    .map(({ name, type, help }) => [`\`${name}\``, String(type), labels.get(name) ?? '', help])
  await relay.stop(0)
  rmSync(directory, { recursive: true, force: true })
  return page(
    'Metrics reference',
    "Every metric of the relay's own, as `/metrics` gives them to Prometheus. Beside them stand Node's usual process metrics.",
    table(['metric', 'type', 'labels', 'meaning'], rows),
  )
}

function labelsOf(metric: object): string {
  return 'labelNames' in metric && Array.isArray(metric.labelNames)
    ? metric.labelNames.map((label) => `\`${String(label)}\``).join(', ')
    : ''
}

function filterPage(): string {
  const operators = table(
    ['operator', 'meaning'],
    filterOperatorReference().map(({ operator, meaning }) => [`\`${operator}\``, meaning]),
  )
  const fields = (kind: EventKind): string =>
    table(
      ['field', 'operators', 'values', 'note'],
      filterReference(kind).map(({ field, aliases, operators: names, addedOperators, values, note }) => [
        [field, ...aliases].map((name) => `\`${name}\``).join(', '),
        [...names.filter((name) => !addedOperators.includes(name)), ...addedOperators.map((name) => `${name}\\*`)].join(
          ', ',
        ),
        values.map(({ value, meaning }) => `\`${String(value)}\` ${meaning}`).join(', '),
        note ?? '',
      ]),
    )
  return page(
    'Filter reference',
    "Filters are written as the Defender for Cloud Apps API and portal write them. Operators marked \\* are the relay's additions to Microsoft's table for that field.",
    `## Operators\n\n${operators}\n\n## Alerts\n\n${fields('alert')}\n\n## Activities\n\n${fields('activity')}\n\n## Discovery\n\n${fields('discovery')}`,
  )
}

/** The parts of a JSON Schema this page shows. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly additionalProperties?: Schema | boolean
  readonly minimum?: number
  readonly maximum?: number
}

function configurationPage(): string {
  const rows = [...settings(JSON.parse(schemaText()) as Schema, '')]
  return page(
    'Configuration reference',
    'Every setting of `siem-relay.yaml`. Unknown keys are refused. Each can come from the environment instead (`SIEM_RELAY_ADMIN__LISTEN` sets `admin.listen`, `SIEM_RELAY_SOURCES__CONTOSO__AUTH__TOKEN_FILE` the source with the id contoso); `siem-relay echo-config` shows what is in force and where it came from.',
    table(['setting', 'values', 'default', ''], rows),
  )
}

function* settings(schema: Schema, path: string): Iterable<readonly string[]> {
  const shapes = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  const seen = new Set<string>()
  for (const shape of shapes)
    for (const [key, child] of Object.entries(shape.properties ?? {})) {
      const name = path === '' ? key : `${path}.${key}`
      if (seen.has(name)) continue
      seen.add(name)
      const item = child.items?.properties === undefined && child.items?.oneOf === undefined ? undefined : child.items
      const isSection =
        child.properties !== undefined ||
        item !== undefined ||
        (child.oneOf ?? child.anyOf ?? []).some((each) => each.properties !== undefined)
      if (!isSection || child.description !== undefined)
        yield [
          `\`${name}${item === undefined ? '' : '[]'}\``,
          isSection ? '' : valuesOf(child),
          defaultOf(child),
          child.description ?? '',
        ]
      yield* settings(item ?? child, item === undefined ? name : `${name}[]`)
    }
}

function valuesOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  const options = schema.anyOf ?? schema.oneOf
  if (options !== undefined) return options.map(valuesOf).join(' or ')
  const type =
    schema.type === 'array'
      ? `list of ${schema.items === undefined ? 'values' : valuesOf(schema.items)}`
      : String(schema.type ?? '')
  const { minimum, maximum } = schema
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
  return minimum !== undefined && isBounded
    ? `${type} ${minimum}–${maximum}`
    : minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER
      ? `${type} from ${minimum}`
      : type
}

function defaultOf(schema: Schema): string {
  if (schema.default === undefined || (typeof schema.default === 'object' && schema.properties !== undefined)) return ''
  return `\`${JSON.stringify(schema.default)}\``
}
