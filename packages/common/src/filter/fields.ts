/** What a filter field is: its type, its operators, its known values, and how its values are found in an event.
 *  The fields themselves are data in fields-alert.ts and fields-activity.ts; this file holds their shape and makers. */
import type { RelayEvent } from '../events.ts'
import type { Operator } from './operators.ts'

/** An entity as a filter can name it: `{"id": …, "saas": …, "inst": …}`. Parts the record lacks are ''. */
export interface EntityValue {
  readonly id: string
  readonly saas: string
  readonly instance: string
  readonly name?: string
}

/** What a field holds after normalisation. */
export type FieldValue = string | number | boolean | EntityValue

/** A known value and its meaning; `null` stands for "no value". */
export type KnownValue = readonly [value: string | number | boolean | null, meaning: string]

interface FieldFacts {
  readonly name: string
  /** Other spellings the API, its documentation or public code use. */
  readonly aliases: readonly string[]
  /** Operators Microsoft documents for the field. */
  readonly documented: readonly Operator[]
  /** Operators the relay evaluates as well, with the meaning they have on other fields. */
  readonly added: readonly Operator[]
  readonly values: readonly KnownValue[]
  /** True when `values` are all there are, so that another one is a mistake. */
  readonly isClosed: boolean
  /** True where the text "null" stands for "no value", as Microsoft's tables write it. */
  readonly hasNullText: boolean
  readonly note: string
}

/**
 * Calls `test` with the field's values, skipping absent ones, until one passes; true when one did.
 * Values are visited, not collected, so that judging an event allocates nothing.
 */
type Visit<E, V> = (event: E, test: (value: V) => boolean) => boolean

/**
 * A field that can be judged. `id` compares exactly, `text` without regard to case; `number`, `flag` by value; `time` is
 * milliseconds since the epoch; `entity` by id, and by app and instance where both sides name them.
 */
export type EvaluableField<E> = FieldFacts &
  (
    | { readonly type: 'id' | 'text'; readonly some: Visit<E, string> }
    | { readonly type: 'number' | 'time'; readonly some: Visit<E, number> }
    | { readonly type: 'flag'; readonly some: Visit<E, boolean> }
    | { readonly type: 'entity'; readonly some: Visit<E, EntityValue> }
  )

/** A field Microsoft's API knows but whose value is not in the records, so that it cannot be judged here. */
type UnavailableField = FieldFacts & { readonly type: 'unavailable'; readonly reason: string }

export type Field<E> = EvaluableField<E> | UnavailableField

/** Fields of one kind of event by name and by alias. */
export type FieldTable<E extends RelayEvent> = ReadonlyMap<string, Field<E>>

type Facts = Partial<Omit<FieldFacts, 'name' | 'documented'>>

function factsOf(name: string, documented: readonly Operator[], facts: Facts): FieldFacts {
  return {
    name,
    documented,
    aliases: [],
    added: [],
    values: [],
    isClosed: false,
    hasNullText: false,
    note: '',
    ...facts,
  }
}

/** A field with at most one string; '' and undefined count as absent. */
export function stringField<E>(
  type: 'id' | 'text',
  name: string,
  documented: readonly Operator[],
  read: (event: E) => string | undefined,
  facts: Facts = {},
): Field<E> {
  const some: Visit<E, string> = (event, test) => {
    const value = read(event)
    return value !== undefined && value !== '' && test(value)
  }
  return { ...factsOf(name, documented, facts), type, some }
}

/** A field with any number of strings, which the visitor walks itself; it must skip ''. */
export function stringsField<E>(
  type: 'id' | 'text',
  name: string,
  documented: readonly Operator[],
  some: Visit<E, string>,
  facts: Facts = {},
): Field<E> {
  return { ...factsOf(name, documented, facts), type, some }
}

/** A field with at most one number or time; undefined and NaN count as absent. */
export function numberField<E>(
  type: 'number' | 'time',
  name: string,
  documented: readonly Operator[],
  read: (event: E) => number | undefined,
  facts: Facts = {},
): Field<E> {
  const some: Visit<E, number> = (event, test) => {
    const value = read(event)
    return value !== undefined && !Number.isNaN(value) && test(value)
  }
  return { ...factsOf(name, documented, facts), type, some }
}

/** A yes-or-no field; undefined when the record does not say. */
export function flagField<E>(name: string, read: (event: E) => boolean | undefined, facts: Facts = {}): Field<E> {
  const some: Visit<E, boolean> = (event, test) => {
    const value = read(event)
    return value !== undefined && test(value)
  }
  return { ...factsOf(name, ['eq'], facts), type: 'flag', some }
}

/** A field with any number of entities, which the visitor walks itself. */
export function entityField<E>(
  name: string,
  documented: readonly Operator[],
  some: Visit<E, EntityValue>,
  facts: Facts = {},
): Field<E> {
  return { ...factsOf(name, documented, facts), type: 'entity', some }
}

/** A field that is refused, with the reason and what to use instead. */
export function unavailableField<E>(name: string, documented: readonly Operator[], reason: string): Field<E> {
  return { ...factsOf(name, documented, {}), type: 'unavailable', reason }
}

/** Visits the strings of a list, skipping ''. */
export function someText(values: readonly string[], test: (value: string) => boolean): boolean {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value !== undefined && value !== '' && test(value)) return true
  }
  return false
}

/** Microsoft's and the relay's operators of a field, without repeats. */
export function operatorsOf(field: Pick<FieldFacts, 'documented' | 'added'>): readonly Operator[] {
  return [...new Set([...field.documented, ...field.added])]
}

/** Lists fields under their names and aliases. */
export function tableOf<E extends RelayEvent>(fields: readonly Field<E>[]): FieldTable<E> {
  return new Map(fields.flatMap((field) => [field.name, ...field.aliases].map((name) => [name, field] as const)))
}

/** Added to free text: the text operators Microsoft documents for some text fields work on all of them. */
export const textOperators = ['contains', 'ncontains', 'startswith', 'doesnotstartwith', 'endswith'] as const
/** Added to times: the time operators Microsoft documents for some time fields work on all of them. */
export const timeOperators = ['gt', 'gte', 'lt', 'lte', 'range', 'gte_ndays', 'lte_ndays'] as const
/** Added to fields that can hold several values: documented in general, for no alert or activity field by name. */
export const listOperators = ['deq'] as const
