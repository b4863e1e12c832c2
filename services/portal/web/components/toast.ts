/** What was done, said once at the corner and to screen readers. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { createStore, useStore } from '../lib/store.ts'
import { Icon } from './icons.ts'

interface Toast {
  readonly id: number
  readonly text: string
  readonly isBad: boolean
}

const toastsMax = 3
const shownMs = 6_000
const toasts = createStore<readonly Toast[]>([])
let lastId = 0

export function say(text: string, { isBad = false } = {}): void {
  const id = ++lastId
  toasts.set([...toasts.get(), { id, text, isBad }].slice(-toastsMax))
  setTimeout(() => toasts.set(toasts.get().filter((toast) => toast.id !== id)), shownMs)
}

/** Stands once in the shell. */
export function Toasts(): VNode {
  const shown = useStore(toasts)
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map(
      ({ id, text, isBad }) => html`<div class=${`toast${isBad ? ' toast-bad' : ''}`} key=${id}>
        <${Icon} name=${isBad ? 'warning' : 'check'} /><span>${text}</span>
      </div>`,
    )}
  </div>`
}
