/** What a page shows when it has nothing to show yet, nothing at all, or a reason why not. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import type { ApiFailure } from '../lib/api.ts'
import type { Loaded } from '../lib/load.ts'
import { Icon, type IconName } from './icons.ts'

export function Skeleton({ lines = 6 }: { readonly lines?: number }): VNode {
  return html`<div class="skeleton" role="status">
    <span class="hidden">Loading…</span>
    ${Array.from({ length: lines }, (_, line) => html`<div class=${`skeleton-line skeleton-${line % 4}`} key=${line}></div>`)}
  </div>`
}

interface EmptyProps {
  readonly icon: IconName
  readonly title: string
  /** The next move. */
  readonly children: ComponentChildren
}

export function Empty({ icon, title, children }: EmptyProps): VNode {
  return html`<div class="empty">
    <span class="empty-icon"><${Icon} name=${icon} size=${28} /></span>
    <h2>${title}</h2>
    <div class="empty-text">${children}</div>
  </div>`
}

export function Failure({ failure, onRetry }: { readonly failure: ApiFailure; readonly onRetry?: () => void }): VNode {
  return html`<div class="callout callout-bad" role="alert">
    <${Icon} name="warning" />
    <div class="callout-body">
      <strong>${failure.message}</strong>
      <p>${failure.nextMove}</p>
      ${failure.problems.map(({ path, message }, index) => html`<p key=${index}>${[...path, message].join(' › ')}</p>`)}
    </div>
    ${onRetry && html`<button type="button" class="button" onClick=${onRetry}>Try again</button>`}
  </div>`
}

type Tone = 'info' | 'warn' | 'bad' | 'ok'
const toneIcons = { info: 'info', warn: 'warning', bad: 'warning', ok: 'check' } as const satisfies Record<
  Tone,
  IconName
>

/** A note that belongs to what it stands beside. */
export function Callout({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }): VNode {
  return html`<div class=${`callout callout-${tone}`}>
    <${Icon} name=${toneIcons[tone]} />
    <div class="callout-body">${children}</div>
  </div>`
}

interface LoadingProps<T> {
  readonly of: Loaded<T>
  readonly lines?: number
  /** Draws what was loaded; a failure of a later round is shown above it. */
  readonly children: (data: T) => ComponentChildren
}

export function Loading<T>({ of: { data, failure, reload }, lines = 6, children }: LoadingProps<T>): VNode {
  return html`${failure && html`<${Failure} failure=${failure} onRetry=${reload} />`}
  ${data === undefined ? failure === undefined && html`<${Skeleton} lines=${lines} />` : children(data)}`
}
