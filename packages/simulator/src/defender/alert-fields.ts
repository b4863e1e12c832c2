/** The fields alerts can be filtered by, which operators each takes, and where in the record its values are.
 *  `date` is not here: it is compared without parsing the record (`filters.ts`). */

import type { AlertEntity, AlertRecord } from '../data/records.ts'
import { type Field, field, listOf } from './field.ts'

const equality = ['eq', 'neq', 'deq'] as const

/** @see Microsoft's "Alerts API", filters; `entity.user` is used by Microsoft's PowerShell module only. */
export const alertFields: ReadonlyMap<string, Field<AlertRecord>> = new Map([
  ['entity.entity', field(equality, (alert) => entityValues(alert, entityKeys))],
  ['entity.ip', field(equality, (alert) => entityValues(alert, idAndLabel, 'ip'))],
  ['entity.service', field(equality, (alert) => entityValues(alert, (entity) => [entity.id], 'service'))],
  ['entity.instance', field(equality, (alert) => entityValues(alert, (entity) => [entity.inst]))],
  ['entity.policy', field(equality, (alert) => entityValues(alert, (entity) => [entity.id], 'policyRule'))],
  ['entity.file', field(equality, (alert) => entityValues(alert, (entity) => [entity.id], 'file'))],
  ['entity.user', field(equality, (alert) => entityValues(alert, accountNames, 'account'))],
  ['alertOpen', field(['eq'], (alert) => [(alert.resolutionStatusValue ?? 0) === 0])],
  ['read', field(['eq'], (alert) => [(alert.statusValue ?? 0) > 0])],
  ['severity', field(equality, (alert) => listOf(alert.severityValue))],
  ['resolutionStatus', field(equality, (alert) => listOf(alert.resolutionStatusValue))],
  ['resolutionDate', field(['lte', 'gte', 'range'], resolutionDate)],
  ['risk', field(equality, (alert) => listOf(alert.threatScore))],
  ['alertType', field(equality, (alert) => listOf(alert.idValue))],
  // The documentation's table writes ID, its examples and all known clients id.
  ['id', field(equality, (alert) => [alert._id])],
  ['ID', field(equality, (alert) => [alert._id])],
  ['source', field(['eq'], (alert) => [alert.isSystemAlert === true ? 'built-in' : 'policy'])],
])

function entityValues(alert: AlertRecord, values: (entity: AlertEntity) => readonly unknown[], type?: string) {
  const entities = (alert.entities ?? []).filter((entity) => type === undefined || entity.type === type)
  return entities.flatMap((entity) => values(entity).flatMap(listOf))
}

const idAndLabel = (entity: AlertEntity): readonly unknown[] => [entity.id, entity.label]
const accountNames = (entity: AlertEntity): readonly unknown[] => [entity.id, entity.pa, entity.em, entity.label]

/** A filter names an entity by `{"id","inst"}`, or by its id alone. */
const entityKeys = (entity: AlertEntity): readonly unknown[] => [entity.id, `${entity.id}|${entity.inst ?? 0}`]

function resolutionDate(alert: AlertRecord) {
  const resolvedMs = typeof alert.resolveTime === 'string' ? Date.parse(alert.resolveTime) : Number.NaN
  return Number.isNaN(resolvedMs) ? [] : [resolvedMs]
}
