/** What the tables of filterable fields are made of. */

import type { FieldValue, OperatorName } from './operators.ts'

export interface Field<Item> {
  readonly operators: readonly OperatorName[]
  /** The record's values; none when the field is absent or null. */
  readonly values: (record: Item, tenant: Tenant) => readonly FieldValue[]
}

/** What a field may need to know beyond its own record. */
export interface Tenant {
  /** The ids of the alerts that name this activity, and of the policies those alerts come from. */
  alertsOf(activityId: string): { readonly alertIds: readonly string[]; readonly policyIds: readonly string[] }
}

export function field<Item>(operators: readonly OperatorName[], values: Field<Item>['values']): Field<Item> {
  return { operators, values }
}

/** A value of a record as a list: nothing for absent and null, and for what cannot be compared. */
export function listOf(value: unknown): readonly FieldValue[] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [value]
  return Array.isArray(value) ? value.flatMap(listOf) : []
}
