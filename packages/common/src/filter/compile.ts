/** The MDA filter language as a function over events: `compileFilter` for the path every record takes, `checkFilter` for
 *  configuration and forms. Says nothing about why a record passed; explain.ts does. */
import type { EventKind, EventOf, RelayEvent } from '../events.ts'
import { type ParsedClause, parseFilter } from './parse.ts'
import { type Predicate, predicateOf } from './predicates.ts'
import { FilterError, type FilterProblem } from './problems.ts'
import type { FilterDefinition } from './schema.ts'
import { isOfKind } from './tables.ts'

/** A filter ready to judge events of its kind. */
export interface CompiledFilter {
  /**
   * Whether the event passes: AND between fields and between operators of one field, OR inside a list.
   * @param nowMs milliseconds since the epoch, read by gte_ndays and lte_ndays alone.
   * @throws what evaluation threw: an event of another kind, or one that is not shaped as its type says. The caller counts
   * it and lets the record pass: a security feed fails open.
   */
  matches(event: RelayEvent, nowMs: number): boolean
}

/** A parsed clause with its prepared function. */
export interface Clause<E> extends ParsedClause<E> {
  readonly passes: Predicate<E>
}

/**
 * Prepares a filter for many events.
 * @param definition `{"<field>": {"<operator>": value}}` as Microsoft's API and portal write it; {} passes everything.
 * @throws {FilterError} `RELAY_CONFIG_INVALID` with every problem, for any JSON that is not a usable filter.
 * @see Microsoft, "Defender for Cloud Apps REST API", Filters
 */
export function compileFilter<K extends EventKind>(kind: K, definition: FilterDefinition): CompiledFilter {
  return filterOf(compileClauses(kind, definition), (event) => {
    if (!isOfKind(event, kind)) throw wrongKind(kind, event)
    return event
  })
}

/** Every problem of a filter, none when it can be used. */
export function checkFilter(kind: EventKind, definition: FilterDefinition): readonly FilterProblem[] {
  return parseFilter(kind, definition).problems
}

/** The clauses of a filter in the order they are judged. */
export function compileClauses<K extends EventKind>(
  kind: K,
  definition: FilterDefinition,
): readonly Clause<EventOf<K>>[] {
  const { clauses, problems } = parseFilter(kind, definition)
  if (problems.length > 0) throw new FilterError(problems)
  return clauses.map((clause) => ({ ...clause, passes: predicateOf(clause.spec, clause.operator, clause.wanted) }))
}

function filterOf<E>(clauses: readonly Clause<E>[], narrow: (event: RelayEvent) => E): CompiledFilter {
  const predicates = clauses.map((clause) => clause.passes)
  if (predicates.length === 0) return { matches: () => true }
  return {
    matches(event, nowMs) {
      const narrowed = narrow(event)
      for (const passes of predicates) if (!passes(narrowed, nowMs)) return false
      return true
    },
  }
}

/** An event judged by a filter of another kind: a mistake of the caller. */
export function wrongKind(kind: EventKind, event: RelayEvent): TypeError {
  return new TypeError(`a filter for ${kind} events was given an event of kind ${event.kind}`)
}
