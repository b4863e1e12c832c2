/** The filter language as data, for generated documentation and for the portal's filter builder. */
import type { EventKind, EventOf } from '../events.ts'
import { type Field, operatorsOf } from './fields.ts'
import { type Operator, operators } from './operators.ts'
import { fieldTables } from './tables.ts'

/** One field a filter can name. */
export interface FilterFieldReference {
  readonly field: string
  readonly aliases: readonly string[]
  /** Every operator of the field; none when it cannot be evaluated. */
  readonly operators: readonly Operator[]
  /** Those of them Microsoft does not document for this field. */
  readonly addedOperators: readonly Operator[]
  /** What its values are. */
  readonly type: Field<unknown>['type']
  readonly values: readonly { readonly value: string | number | boolean | null; readonly meaning: string }[]
  readonly note: string
}

/** The fields of a kind in the order Microsoft lists them, those that are refused included with their reason. */
export function filterReference<K extends EventKind>(kind: K): readonly FilterFieldReference[] {
  return referenceOf<EventOf<K>>(fieldTables[kind].values())
}

/** What each operator passes: "passes records with …". */
export function filterOperatorReference(): readonly { readonly operator: string; readonly meaning: string }[] {
  return Object.entries(operators).map(([operator, { meaning }]) => ({ operator, meaning }))
}

function referenceOf<E>(fields: Iterable<Field<E>>): readonly FilterFieldReference[] {
  return [...new Set(fields)].map((field) => {
    const isUnavailable = field.type === 'unavailable'
    return {
      field: field.name,
      aliases: field.aliases,
      operators: isUnavailable ? [] : operatorsOf(field),
      addedOperators: isUnavailable ? [] : field.added.filter((operator) => !field.documented.includes(operator)),
      type: field.type,
      values: field.values.map(([value, meaning]) => ({ value, meaning })),
      note: isUnavailable ? `Cannot be evaluated from the records the API returns: ${field.reason}.` : field.note,
    }
  })
}
