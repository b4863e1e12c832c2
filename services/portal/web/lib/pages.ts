/** Lists that are read backwards, a page at a time: what is there already stays while more comes. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ApiFailure, failureOf } from './api.ts'

export interface PageOf<T> {
  readonly items: readonly T[]
  /** Given as `before` for the page after; absent at the end. */
  readonly next: string | undefined
  readonly total?: number | undefined
}

export interface Paged<T> {
  readonly items: readonly T[] | undefined
  readonly total: number | undefined
  readonly failure: ApiFailure | undefined
  readonly isLoading: boolean
  readonly hasMore: boolean
  readonly more: () => void
  readonly reload: () => void
}

interface State<T> {
  readonly items: readonly T[] | undefined
  readonly next: string | undefined
  readonly total: number | undefined
  readonly failure: ApiFailure | undefined
  readonly isLoading: boolean
}

/** @param watched starts from the newest again when one of them changes. */
export function usePages<T>(
  load: (before: string | undefined, signal: AbortSignal) => Promise<PageOf<T>>,
  watched: readonly unknown[],
): Paged<T> {
  const [state, setState] = useState<State<T>>({
    items: undefined,
    next: undefined,
    total: undefined,
    failure: undefined,
    isLoading: true,
  })
  const [round, setRound] = useState(0)
  const leave = useRef(new AbortController())
  const latest = useRef(load)
  latest.current = load
  const fetchPage = async (before: string | undefined, { signal }: AbortController) => {
    setState((known) => ({ ...known, isLoading: true }))
    try {
      const { items, next, total } = await latest.current(before, signal)
      if (signal.aborted) return
      setState((known) => ({
        items: before === undefined ? items : [...(known.items ?? []), ...items],
        next,
        total: total ?? known.total,
        failure: undefined,
        isLoading: false,
      }))
    } catch (error) {
      if (!signal.aborted) setState((known) => ({ ...known, failure: failureOf(error), isLoading: false }))
    }
  }
  useEffect(() => {
    const mine = new AbortController()
    leave.current = mine
    void fetchPage(undefined, mine)
    return () => mine.abort()
  }, [...watched, round])
  const reload = useCallback(() => setRound((count) => count + 1), [])
  return {
    items: state.items,
    total: state.total,
    failure: state.failure,
    isLoading: state.isLoading,
    hasMore: state.next !== undefined,
    more: () => {
      if (state.next !== undefined && !state.isLoading) void fetchPage(state.next, leave.current)
    },
    reload,
  }
}
