/** The rule as deployed against the schema rows are held to: Azure drops a column its stream does not declare, and nulls a value of
 *  another type, without a word. Azure's ingestion side does not show the rule, so that a person hands it in. */
import {
  type EventKind,
  rawKindOf,
  type SentinelDestination,
  type SentinelTable,
  sentinelTables,
} from '@siem-relay/common'
import type { DataCollectionRule } from '@siem-relay/simulator'
import type { Finding } from '../check.ts'

const namedMax = 6
const deploy = 'Deploy deploy/sentinel of this version before the relay; a changed rule takes 10 to 15 minutes.'

export function checkRule(
  rules: readonly DataCollectionRule[],
  kinds: readonly EventKind[],
  { ruleId, streams }: SentinelDestination,
): Finding {
  const rule = rules.find(({ immutableId }) => immutableId === ruleId) ?? (rules.length === 1 ? rules[0] : undefined)
  if (rule === undefined)
    return {
      status: 'failed',
      seen: `none of the ${rules.length} rules in the file is ${ruleId}`,
      fix: 'Hand in what az monitor data-collection rule show prints for the rule, or correct ruleId.',
    }
  const problems = kinds.flatMap((kind) => problemsOf(rule, kind, streams[rawKindOf[kind]]))
  if (problems.length > 0) return { status: 'failed', seen: problems.join('; '), fix: deploy }
  const seen = `${kinds.map((kind) => streams[rawKindOf[kind]]).join(', ')}: every column is declared with its type`
  return rule.immutableId === ruleId
    ? { status: 'ok', seen }
    : {
        status: 'warning',
        seen: `${seen}, in a rule that is not ${ruleId}`,
        fix: 'For a template that is fine: it has no id yet. For a rule as deployed, correct ruleId.',
      }
}

function problemsOf(rule: DataCollectionRule, kind: EventKind, stream: string): readonly string[] {
  const declared = rule.streams[stream]
  if (declared === undefined)
    return [`the rule declares no stream ${stream}; it has ${Object.keys(rule.streams).join(', ')}`]
  if (declared.columns === 'any') return []
  const types = new Map(declared.columns.map(({ name, type }) => [name, type]))
  const { columns }: SentinelTable = sentinelTables[kind]
  const missing: string[] = []
  const other: string[] = []
  for (const [name, { type }] of Object.entries(columns)) {
    const found = types.get(name)
    if (found === undefined) missing.push(name)
    else if (found !== type) other.push(`${name} (${found}, not ${type})`)
  }
  return [
    ...(missing.length === 0 ? [] : [`${stream} lacks ${listed(missing)}: Azure drops them`]),
    ...(other.length === 0 ? [] : [`${stream} has another type for ${listed(other)}: Azure stores null`]),
  ]
}

function listed(names: readonly string[]): string {
  const rest = names.length - namedMax
  return rest <= 0 ? names.join(', ') : `${names.slice(0, namedMax).join(', ')} and ${rest} more`
}
