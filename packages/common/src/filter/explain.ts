/** Says which clause of a filter decided over one event, for previews and `filter explain`. Judges with the same compiled
 *  clauses as `compileFilter`, so that it cannot disagree with what the relay does. */
import { describeError } from '../errors.ts'
import type { EventKind, RelayEvent } from '../events.ts'
import { type Clause, compileClauses, wrongKind } from './compile.ts'
import type { Operator } from './operators.ts'
import { clip } from './problems.ts'
import type { FilterDefinition } from './schema.ts'
import { isOfKind } from './tables.ts'
import { actualOf, sentenceOf } from './wording.ts'

/** What one clause made of the event. */
export interface ExplainedClause {
  /** As the filter spells it. */
  readonly field: string
  readonly operator: Operator
  /** The value in the filter. */
  readonly wanted: unknown
  /** The event's values, at most 20 of at most 256 characters, steering characters replaced; entities by id. */
  readonly actual: readonly (string | number | boolean)[]
  readonly passed: boolean
  /** True for the first clause that failed: without it the event might have passed. None decides when all passed. */
  readonly decides: boolean
  readonly sentence: string
}

export interface Explanation {
  /** What the relay does with the event: true when it passes, also when it passes because of `error`. */
  readonly matches: boolean
  readonly clauses: readonly ExplainedClause[]
  /** Why the filter could not be evaluated; the record passes then. */
  readonly error?: string
}

/**
 * Judges one event clause by clause.
 * @param nowMs milliseconds since the epoch, as for `CompiledFilter.matches`.
 * @throws {FilterError} when the filter itself cannot be used; `checkFilter` tells beforehand.
 */
export function explainFilter<K extends EventKind>(
  kind: K,
  definition: FilterDefinition,
  event: RelayEvent,
  nowMs: number,
): Explanation {
  const clauses = compileClauses(kind, definition)
  return isOfKind(event, kind) ? explain(clauses, definition, event, nowMs) : refused(clauses, kind, event)
}

function explain<E>(clauses: readonly Clause<E>[], definition: FilterDefinition, event: E, nowMs: number): Explanation {
  const explained: ExplainedClause[] = []
  // The first clause that fails or throws ends the evaluation; later ones are judged for the reader alone.
  let matches = true
  let error: string | undefined
  for (const clause of clauses) {
    const isOpen = matches && error === undefined
    const wanted = definition[clause.field]?.[clause.operator]
    const facts = { field: clause.field, operator: clause.operator, wanted }
    try {
      const passed = clause.passes(event, nowMs)
      const actual = actualOf(clause.spec, event)
      const decides = isOpen && !passed
      if (decides) matches = false
      explained.push({ ...facts, actual: actual.values, passed, decides, sentence: sentenceOf(clause, actual, nowMs) })
    } catch (cause) {
      const reason = clip(describeError(cause), 256)
      if (isOpen) error = `${clause.field} could not be evaluated: ${reason}`
      const sentence = `${clip(clause.field)} could not be evaluated; the record passes: ${reason}`
      explained.push({ ...facts, actual: [], passed: true, decides: isOpen, sentence })
    }
  }
  return { matches, clauses: explained, ...(error === undefined ? {} : { error }) }
}

/** An empty filter passes events of every kind, as `matches` does. */
function refused(clauses: readonly unknown[], kind: EventKind, event: RelayEvent): Explanation {
  return { matches: true, clauses: [], ...(clauses.length === 0 ? {} : { error: wrongKind(kind, event).message }) }
}
