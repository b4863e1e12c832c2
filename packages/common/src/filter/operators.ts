/** The operators of the MDA filter language: what each takes and means, in the order the documentation lists them.
 *  Which field has which operator is said in the field tables; values are parsed in wanted.ts, judged in predicates.ts.
 *
 *  Meanings are those of Microsoft's page "Defender for Cloud Apps REST API", Filters, Operators. Three of its sentences can
 *  be read in two ways. The first two are read here as the opposite of `eq` and `contains`, in line with `doesnotstartwith`,
 *  whose sentence is clear ("not starting with each of the provided strings"), the third by its words:
 *  - `neq`, "not containing all the provided values": none of the given values occurs.
 *  - `ncontains`, "not containing one of the provided strings": none of the given strings occurs.
 *  - `deq`, "contain one value that does not equal one of the provided values": some value is outside the given list. */

/** `list` takes one value or a list; `ranges` one or several `{start, end}`; the rest take exactly one value. */
export type OperandShape = 'list' | 'ranges' | 'bound' | 'days' | 'presence' | 'phrase'

interface OperatorSpec {
  readonly operand: OperandShape
  /** Completes the sentence "passes records with …". */
  readonly meaning: string
}

export const operators = {
  eq: { operand: 'list', meaning: 'one of the given values' },
  neq: { operand: 'list', meaning: 'none of the given values' },
  deq: { operand: 'list', meaning: 'at least one value that is not among the given ones' },
  contains: { operand: 'list', meaning: 'a text that contains one of the given strings' },
  ncontains: { operand: 'list', meaning: 'no text that contains one of the given strings' },
  startswith: { operand: 'list', meaning: 'a text that starts with one of the given strings' },
  doesnotstartwith: { operand: 'list', meaning: 'no text that starts with one of the given strings' },
  endswith: { operand: 'list', meaning: 'a text that ends with one of the given strings' },
  startswithsingle: { operand: 'phrase', meaning: 'a text that starts with the given string' },
  text: { operand: 'phrase', meaning: 'every word of the given text somewhere in the record' },
  range: { operand: 'ranges', meaning: 'a time within one of the given {start, end}, both inclusive' },
  gt: { operand: 'bound', meaning: 'a time or number above the given one' },
  gte: { operand: 'bound', meaning: 'a time or number at or above the given one' },
  lt: { operand: 'bound', meaning: 'a time or number below the given one' },
  lte: { operand: 'bound', meaning: 'a time or number at or below the given one' },
  gte_ndays: { operand: 'days', meaning: 'a time within the last N days' },
  lte_ndays: { operand: 'days', meaning: 'a time N days ago or earlier' },
  isset: { operand: 'presence', meaning: 'a value (with false: without one)' },
  isnotset: { operand: 'presence', meaning: 'no value (with false: with one)' },
} as const satisfies Record<string, OperatorSpec>

export type Operator = keyof typeof operators

/** Operators people write that no field has, with what to do instead. */
export const refusedOperators: ReadonlyMap<string, string> = new Map([
  ['in', 'there is no `in`; eq takes a list'],
  ['nin', 'there is no `nin`; neq takes a list'],
  [
    'cabinetmatchedrulesequals',
    'cabinetmatchedrulesequals belongs to file filters; alerts and activities have policies, see their policy field',
  ],
  [
    'descendantof',
    'descendantof cannot be evaluated: records hold no hierarchy of folders or organisation units; list the values with eq',
  ],
  [
    'ndescendantof',
    'ndescendantof cannot be evaluated: records hold no hierarchy of folders or organisation units; list the values with neq',
  ],
])

/** True for a name of the operator table; prototype names are not in it. */
export function isOperator(name: string): name is Operator {
  return Object.hasOwn(operators, name)
}
