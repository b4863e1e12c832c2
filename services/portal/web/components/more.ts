/** The end of a list that has more. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Paged } from '../lib/pages.ts'
import { Failure, Skeleton } from './states.ts'

interface PagesProps<T> {
  readonly of: Paged<T>
  readonly children: (items: readonly T[]) => unknown
}

export function Pages<T>({ of, children }: PagesProps<T>): VNode {
  const { items, failure, isLoading, hasMore, more, reload } = of
  return html`${failure && html`<${Failure} failure=${failure} onRetry=${items === undefined ? reload : more} />`}
    ${items === undefined ? failure === undefined && html`<${Skeleton} />` : children(items)}
    ${
      hasMore &&
      html`<div class="more"><button type="button" class="button" disabled=${isLoading} onClick=${more}>${isLoading ? 'Loading…' : 'Show more'}</button></div>`
    }`
}
