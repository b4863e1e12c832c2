/** What is wrong with a filter, said where it stands: the problems checks collect and the error compilation throws. */
import { RelayError } from '../errors.ts'
import { printable } from '../printable.ts'

/** One mistake. The path leads from the filter to the value, for example `['severity', 'eq', 2]`. */
export interface FilterProblem {
  readonly path: (string | number)[]
  readonly message: string
}

/** Reported at most; a definition with more mistakes is no filter. */
const PROBLEMS_MAX = 100
/** Written out in the message of an error; `problems` holds them all. */
const PROBLEMS_IN_MESSAGE = 10

/** Collects problems up to the bound; beyond it further ones are left out. */
export class ProblemList {
  readonly problems: FilterProblem[] = []

  get isFull(): boolean {
    return this.problems.length >= PROBLEMS_MAX
  }

  add(path: readonly (string | number)[], message: string): undefined {
    if (!this.isFull) this.problems.push({ path: [...path], message })
  }
}

/** A filter that cannot be used, with everything that is wrong with it. */
export class FilterError extends RelayError {
  readonly problems: readonly FilterProblem[]

  constructor(problems: readonly FilterProblem[]) {
    const shown = problems.slice(0, PROBLEMS_IN_MESSAGE).map(sentenceOf)
    const hidden = problems.length - shown.length
    super('RELAY_CONFIG_INVALID', `filter invalid: ${shown.join('; ')}${hidden > 0 ? `; and ${hidden} more` : ''}`)
    this.name = 'FilterError'
    this.problems = problems
  }
}

function sentenceOf({ path, message }: FilterProblem): string {
  return path.length === 0 ? message : `${path.map((part) => clip(String(part))).join(' / ')}: ${message}`
}

/** A name or value as problems quote it: one short line, whatever was written. */
export function clip(text: string, charsMax = 64): string {
  const line = printable(text.length > charsMax ? text.slice(0, charsMax) : text)
  return text.length > charsMax ? `${line}…` : line
}
