/** The fields of discovery filters: the columns of Microsoft's table McasShadowItReporting, under their names. Microsoft publishes no
 *  filter of its own for them. Data alone: operators are judged in predicates.ts. */
import type { DiscoveryColumn, DiscoveryRow } from '../discovery/row.ts'
import type { DiscoveryRecord } from '../events.ts'
import {
  type Field,
  type FieldTable,
  numberField,
  someText,
  stringField,
  stringsField,
  tableOf,
  textOperators,
  timeOperators,
} from './fields.ts'

/** Columns that hold one type of value. */
type ColumnOf<V> = {
  [C in DiscoveryColumn]: Exclude<DiscoveryRow[C], undefined> extends V ? C : never
}[DiscoveryColumn]

const presence = ['isset', 'isnotset'] as const
const equality = ['eq', 'neq', 'deq', ...presence] as const
const bounds = ['gt', 'gte', 'lt', 'lte'] as const

/** `streamName` for StreamName; the column's own spelling works too. */
const names = (column: string): { name: string; aliases: readonly string[] } => ({
  name: column.charAt(0).toLowerCase() + column.slice(1),
  aliases: [column],
})

function textColumn(column: ColumnOf<string>, note: string): Field<DiscoveryRecord> {
  const { name, aliases } = names(column)
  const added = [...equality, ...textOperators]
  return stringField('text', name, [], ({ row }) => row[column], { aliases, added, note })
}

function numberColumn(column: ColumnOf<number>, note: string): Field<DiscoveryRecord> {
  const { name, aliases } = names(column)
  const added = [...equality, ...bounds]
  return numberField('number', name, [], ({ row }) => row[column], { aliases, added, note })
}

const fields: readonly Field<DiscoveryRecord>[] = [
  textColumn('StreamName', 'Continuous report the row belongs to, for example "Marketing Department".'),
  textColumn('AppName', 'Name of the app.'),
  numberColumn('AppId', 'App ids, for example 15600 for Microsoft OneDrive for Business.'),
  textColumn('AppCategory', 'For example "Cloud storage".'),
  stringsField('text', 'appTags', [], ({ row }, test) => someText(row.AppTags ?? [], test), {
    aliases: ['AppTags'],
    added: [...equality, ...textOperators],
    note: 'Built-in and own tags, for example "sanctioned".',
  }),
  numberColumn('AppScore', '0 to 10; 10 is an app without risk.'),
  textColumn('UserName', 'As the log names the user; a pseudonym where the stream is anonymised.'),
  textColumn('EnrichedUserName', 'As Microsoft Entra names the user.'),
  textColumn('IpAddress', 'Compared as written.'),
  numberColumn('TotalEvents', 'Number of events.'),
  numberColumn('BlockedEvents', 'Number of blocked events.'),
  numberColumn('UploadedBytes', 'Bytes to the app.'),
  numberColumn('DownloadedBytes', 'Bytes from the app.'),
  numberColumn('TotalBytes', 'Bytes both ways.'),
  numberField('time', 'date', [], (record) => record.timestampMs, {
    aliases: ['TimeGenerated'],
    added: timeOperators,
    note: 'Date of the discovery data.',
  }),
]

export const discoveryFields: FieldTable<DiscoveryRecord> = tableOf(fields)
