/** Two people changed one agent: what each of them changed, and both in one. Pure. */
import { isSame, type Path, valueAt, withValue } from './draft.ts'

export interface Difference {
  readonly path: Path
  readonly base: unknown
  readonly mine: unknown
  readonly theirs: unknown
  /** Both changed it, and not to the same. */
  readonly isContested: boolean
}

/** Every setting in which the two versions differ, lists and filters as wholes. */
export function differences(base: unknown, mine: unknown, theirs: unknown, path: Path = []): readonly Difference[] {
  if (isSame(mine, theirs)) return []
  if (isSettings(mine) && isSettings(theirs) && path.at(-1) !== 'filter') {
    const keys = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])]
    return keys.flatMap((key) => differences(valueAt(base, [key]), mine[key], theirs[key], [...path, key]))
  }
  return [{ path, base, mine, theirs, isContested: !isSame(base, mine) && !isSame(base, theirs) }]
}

/** Theirs, with each chosen difference as mine. */
export function merge<T>(theirs: T, found: readonly Difference[], takesMine: (difference: Difference) => boolean): T {
  return found.reduce((draft, one) => (takesMine(one) ? withValue(draft, one.path, one.mine) : draft), theirs)
}

/** Without being asked: what only one of them changed stays changed, and what both did stays mine. */
export function isMineByDefault({ base, mine }: Difference): boolean {
  return !isSame(base, mine)
}

function isSettings(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
