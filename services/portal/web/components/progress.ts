/** How much of something is done. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export function Progress({ share, label }: { readonly share: number; readonly label: string }): VNode {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100)
  return html`<span class="progress"><progress max="100" value=${percent} aria-label=${label}></progress><span class="minor">${percent} %</span></span>`
}
