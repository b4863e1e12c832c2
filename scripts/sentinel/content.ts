/** What deploy/sentinel/src holds, read: functions, rules, hunting queries, tiles, queries of the dashboard. Written by hand there; here it
 *  gets its shapes, and queries their parts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseYaml } from '../../packages/service-kit/src/config/yaml-source.ts'

const folder = join(import.meta.dirname, '../../deploy/sentinel/src')

/** A saved function of the workspace. */
export interface SavedFunction {
  readonly id: string
  readonly name: string
  readonly title: string
  readonly query: string
}

export interface AnalyticsRule {
  readonly id: string
  readonly name: string
  readonly description: string
  /** As in the content hub: 5m, 1h, 14d. */
  readonly frequency: string
  readonly period: string
  /** Can be split into several rules: `{shards}` and `{shard}` of the query are then filled in where it is deployed. */
  readonly isSharded: boolean
  readonly version: string
  readonly query: string
}

export interface HuntingQuery {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly tactics: readonly string[]
  readonly techniques: readonly string[]
  readonly query: string
}

export interface Parameter {
  readonly name: string
  readonly isMulti: boolean
  readonly value: readonly string[] | null
  readonly query: string
}

export interface Tile {
  readonly title: string
  readonly visualization: string
  readonly query: string
  /** Of a hundred; default the whole row. */
  readonly width?: number
  /** As the workbook counts sizes; 0 is medium, 4 tiny. */
  readonly size?: number
  /** The query chooses its time; default: the parameter TimeRange. */
  readonly hasOwnTime?: boolean
  /** A click puts a row's column into a parameter, which is All before. */
  readonly exports?: { readonly column: string; readonly parameter: string }
  readonly tile?: Readonly<Partial<Record<'title' | 'left' | 'right' | 'secondary' | 'spark', string>>>
  readonly tree?: { readonly id: string; readonly parent: string; readonly expander: string }
  readonly hidden?: readonly string[]
  readonly heat?: readonly string[]
  readonly sparks?: readonly string[]
  /** Column and colour. */
  readonly bars?: Readonly<Record<string, string>>
}

export interface Workbook {
  readonly parameters: readonly Parameter[]
  readonly tiles: readonly Tile[]
}

export interface DashboardQuery {
  readonly name: string
  readonly description: string
  /** How far back it asks. */
  readonly days: number
  readonly query: string
}

export interface Content {
  readonly functions: readonly SavedFunction[]
  readonly rules: readonly AnalyticsRule[]
  readonly hunting: readonly HuntingQuery[]
  readonly workbook: Workbook
  readonly dashboard: readonly DashboardQuery[]
}

export function readContent(): Content {
  const raise = text('raise.kql')
  const book = yaml<Workbook & { readonly discovery: string; readonly alerts: string }>('workbook.yaml')
  return {
    functions: [
      savedFunction('0c8b1e0e-6b1f-4b53-8f0a-6f6f7a1d3b01', 'McasDiscovery', 'Cloud Discovery, each row once'),
      savedFunction(
        '0c8b1e0e-6b1f-4b53-8f0a-6f6f7a1d3b02',
        'McasAlerts',
        'Alerts of Defender for Cloud Apps, each once',
      ),
    ],
    rules: yaml<readonly (Omit<AnalyticsRule, 'query'> & { readonly which: string })[]>('rules.yaml').map(
      ({ which, ...rule }) => ({ ...rule, query: raise.replace('{which}', which) }),
    ),
    hunting: yaml<readonly HuntingQuery[]>('hunting.yaml').map(trimmed),
    workbook: {
      parameters: book.parameters.map(trimmed),
      tiles: book.tiles.map((tile) => ({
        ...tile,
        query: tile.query.trim().replace('{discovery}', book.discovery.trim()).replace('{alerts}', book.alerts.trim()),
      })),
    },
    dashboard: yaml<readonly DashboardQuery[]>('powerbi.yaml').map(trimmed),
  }
}

/** The query of a rule that is not split. */
export function wholeQuery({ query }: Pick<AnalyticsRule, 'query'>): string {
  return query.replace('{shards}', '1').replace('{shard}', '0')
}

function savedFunction(id: string, name: string, title: string): SavedFunction {
  return { id, name, title, query: text(`functions/${name}.kql`) }
}

function trimmed<Query extends { readonly query: string }>(of: Query): Query {
  return { ...of, query: of.query.trim() }
}

function text(path: string): string {
  return readFileSync(join(folder, path), 'utf8').trim()
}

function yaml<Value>(path: string): Value {
  const { value, problems } = parseYaml(text(path))
  const [problem] = problems
  if (problem !== undefined) throw new Error(`${path}:${problem.position.line} ${problem.message}`)
  return value as Value
}
