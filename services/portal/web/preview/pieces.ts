/** Marked text. Everything in it was written by somebody else: it is put into text nodes, never into markup. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Piece } from './marks.ts'

interface PiecesProps {
  readonly pieces: readonly Piece[]
  readonly label: string
  readonly isWrapped?: boolean
}

export function Pieces({ pieces, label, isWrapped = false }: PiecesProps): VNode {
  return html`<pre class=${`code-block${isWrapped ? ' code-wrap' : ''}`} tabindex="0" aria-label=${label}><code>${pieces.map(
    ({ text, kind }, index) =>
      kind === 'plain' ? text : html`<span key=${index} class=${`piece-${kind}`}>${text}</span>`,
  )}</code></pre>`
}
