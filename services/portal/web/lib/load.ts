/** What a page shows comes from here: loaded when it opens, again when what it depends on changes, given up when it is left. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ApiFailure, failureOf } from './api.ts'

export interface Loaded<T> {
  /** The last good answer; kept while a new one is on its way. */
  readonly data: T | undefined
  readonly failure: ApiFailure | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

/**
 * @param load has to pass the signal on.
 * @param watched loads again when one of them changes; the old answer stays until then.
 * @param everyMs asks again so often while the page is seen.
 */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  watched: readonly unknown[],
  everyMs?: number,
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({
    data: undefined,
    failure: undefined,
    isLoading: true,
  })
  const [round, setRound] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const reload = useCallback(() => setRound((count) => count + 1), [])
  useEffect(() => {
    const leave = new AbortController()
    setState((before) => ({ ...before, isLoading: true }))
    latest.current(leave.signal).then(
      (data) => {
        if (!leave.signal.aborted) setState({ data, failure: undefined, isLoading: false })
      },
      (error: unknown) => {
        if (!leave.signal.aborted) setState((before) => ({ ...before, failure: failureOf(error), isLoading: false }))
      },
    )
    return () => leave.abort()
  }, [...watched, round])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden) reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return { ...state, reload }
}

/** The value as it is once it has not changed for a while. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
