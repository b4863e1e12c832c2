/** The fields of alert filters (Microsoft's "Alerts API", Filters), and where an alert holds them.
 *  Data alone: operators are judged in predicates.ts. */
import type { Alert, AlertEntity } from '../events.ts'
import {
  entityField,
  type Field,
  type FieldTable,
  flagField,
  listOperators,
  numberField,
  someText,
  stringField,
  stringsField,
  tableOf,
  textOperators,
  timeOperators,
} from './fields.ts'

const equality = ['eq', 'neq'] as const

/** Visits the ids of entities. */
function someId(entities: readonly AlertEntity[], test: (value: string) => boolean): boolean {
  for (const entity of entities) if (entity.id !== '' && test(entity.id)) return true
  return false
}

/** Visits every name an account goes by. */
function someUser(accounts: readonly AlertEntity[], test: (value: string) => boolean): boolean {
  for (const { id, upn, email, label } of accounts) {
    if (upn !== '' && test(upn)) return true
    if (email !== '' && email !== upn && test(email)) return true
    if (label !== '' && label !== upn && label !== email && test(label)) return true
    if (id !== '' && id !== upn && id !== email && id !== label && test(id)) return true
  }
  return false
}

const fields: readonly Field<Alert>[] = [
  entityField(
    'entity.entity',
    equality,
    (alert, test) => {
      for (const entity of alert.entities) if (entity.id !== '' && test(entity)) return true
      return false
    },
    {
      added: listOperators,
      note: 'Entities as {"id": …, "saas": …, "inst": …} or by id alone; saas and inst are compared where the record has them.',
    },
  ),
  stringsField('text', 'entity.ip', equality, (alert, test) => someText(alert.ips, test), {
    added: [...listOperators, ...textOperators],
    note: 'Addresses are compared as written.',
  }),
  stringsField('id', 'entity.service', equality, (alert, test) => someId(alert.services, test), {
    added: listOperators,
    note: 'App ids, for example 11161 for Office 365.',
  }),
  stringsField(
    'id',
    'entity.instance',
    equality,
    (alert, test) => {
      for (const { instance } of alert.entities) if (instance !== '' && test(instance)) return true
      return false
    },
    { added: listOperators, note: 'Instance ids of connected apps.' },
  ),
  stringsField('id', 'entity.policy', equality, (alert, test) => someId(alert.policies, test), {
    added: listOperators,
    note: 'Ids of matched policies.',
  }),
  stringsField(
    'id',
    'entity.file',
    equality,
    (alert, test) => {
      for (const { type, id } of alert.entities) if (type === 'file' && id !== '' && test(id)) return true
      return false
    },
    { added: listOperators, note: 'Ids of files.' },
  ),
  stringsField('text', 'entity.user', equality, (alert, test) => someUser(alert.accounts, test), {
    added: [...listOperators, ...textOperators],
    note: "User principal name, e-mail address, display name or id of an account. Not in Microsoft's table; seen in public code.",
  }),
  flagField('alertOpen', ({ resolution }) => (resolution === undefined ? undefined : resolution === 0), {
    note: 'true: resolutionStatus 0; false: any other resolution.',
  }),
  numberField('number', 'severity', equality, (alert) => alert.severity, {
    isClosed: true,
    values: [
      [0, 'low'],
      [1, 'medium'],
      [2, 'high'],
      [3, 'informational'],
    ],
    note: 'Informational is 3, above high: name the values wanted.',
  }),
  numberField('number', 'resolutionStatus', equality, (alert) => alert.resolution, {
    isClosed: true,
    values: [
      [0, 'open'],
      [1, 'dismissed'],
      [2, 'resolved'],
      [3, 'false positive'],
      [4, 'benign'],
      [5, 'true positive'],
    ],
  }),
  flagField('read', ({ status }) => (status === undefined ? undefined : status !== 0), {
    note: 'false: status unread; true: read or archived.',
  }),
  numberField('time', 'date', ['lte', 'gte', 'range', 'lte_ndays', 'gte_ndays'], (alert) => alert.timestampMs, {
    added: timeOperators,
    note: 'When the alert was raised.',
  }),
  numberField('time', 'resolutionDate', ['lte', 'gte', 'range'], (alert) => alert.resolvedMs, {
    added: timeOperators,
    note: 'When the alert was resolved.',
  }),
  numberField(
    'number',
    'risk',
    equality,
    ({ riskScore }) => (riskScore.trim() === '' ? undefined : Number(riskScore)),
    { note: 'The risk score as a number.' },
  ),
  stringsField(
    'id',
    'alertType',
    equality,
    ({ alertType, alertTypeId }, test) =>
      (alertTypeId !== undefined && test(String(alertTypeId))) || (alertType !== '' && test(alertType)),
    {
      note: 'The number (idValue), or the name, for example ALERT_CABINET_EVENT_MATCH_AUDIT; the API takes the number alone.',
    },
  ),
  stringField('id', 'id', equality, (alert) => alert.id, { aliases: ['ID'], note: 'Alert ids.' }),
  stringField('text', 'source', ['eq'], ({ isBuiltIn }) => (isBuiltIn ? 'built-in' : 'policy'), {
    isClosed: true,
    values: [
      ['built-in', 'a built-in detection'],
      ['policy', 'a policy of the customer'],
    ],
  }),
]

export const alertFields: FieldTable<Alert> = tableOf(fields)
