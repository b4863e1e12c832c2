/** Reference pages made from the code, by path: the errors table, the filter language, the configuration and its JSON Schema. */
import { join } from 'node:path'
import { type EventKind, errorCodes, filterOperatorReference, filterReference } from '@siem-relay/common'
import { buildProgram } from '../app/src/cli.ts'
import { schemaText } from '../app/src/commands/schema.ts'
import { systemTerminal } from '../app/src/terminal.ts'
import { commandsPage } from './commands-page.ts'
import { productionDependencies } from './dependencies.ts'
import { contractOf, labelMeanings } from './metrics-contract.ts'
import { page, table } from './reference-page.ts'

export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/using/siem-relay.schema.json', schemaText()],
    ['docs/using/configuration-reference.md', configurationPage()],
    ['docs/using/filter-reference.md', filterPage()],
    ['docs/operating/errors.md', errorsPage()],
    ['docs/operating/metrics-reference.md', await metricsPage()],
    ['docs/developing/dependencies.md', dependenciesPage()],
    ['docs/operating/commands.md', commandsPage(buildProgram(systemTerminal))],
  ])
}

function dependenciesPage(): string {
  const dependencies = productionDependencies(join(import.meta.dirname, '..'))
  const direct = dependencies.filter(({ askedBy }) => askedBy.length > 0)
  const others = dependencies.filter(({ askedBy }) => askedBy.length === 0)
  return page(
    'Dependencies',
    `What runs in production and is kept by others: ${direct.length} packages we ask for, ${others.length} they ask for. \`npm sbom --sbom-format cyclonedx --omit dev\` writes the same as a bill of materials.`,
    table(
      ['package', 'version', 'licence', 'asked for by'],
      direct.map(({ name, version, license, askedBy }) => [name, version, license, askedBy.join(', ')]),
    ),
    '## Asked for by these',
    table(
      ['package', 'version', 'licence'],
      others.map(({ name, version, license }) => [name, version, license]),
    ),
  )
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

async function metricsPage(): Promise<string> {
  const metrics = await contractOf()
  const rows = ({ name, type, labels, help }: (typeof metrics)[number]): readonly string[] => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]
  const [own, process] = [true, false].map((isOwn) =>
    table(['metric', 'type', 'labels', 'meaning'], metrics.filter((one) => one.isOwn === isOwn).map(rows)),
  )
  const labels = Object.entries(labelMeanings).map(([label, { meaning, values }]) => [
    `\`${label}\``,
    meaning,
    values === undefined ? '' : values.map((value) => `\`${value}\``).join(', '),
  ])
  return page(
    'Metrics reference',
    'Every metric that `/metrics` gives to Prometheus: names, types and labels are a contract, kept by a test that reads a running relay. Counters begin at 0 with the process; a process exports what its services measure.',
    `${own}\n\n## Labels\n\nNo label holds anything that a record says: values are ids from the configuration, or one of a list.\n\n${table(['label', 'meaning', 'values'], labels)}\n\n## Of the process\n\nNode's own, as [prom-client](https://github.com/siimon/prom-client) measures them on Linux; other systems lack some.\n\n${process}`,
  )
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
