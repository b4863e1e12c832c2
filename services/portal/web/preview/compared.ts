/** One record, what became of it and why: the record at the left, the exact line at the right, what both have in common marked. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Previewed } from '../../src/contract/records.ts'
import { Icon } from '../components/icons.ts'
import { Callout } from '../components/states.ts'
import { type Piece, piecesOfLine, piecesOfRecord } from './marks.ts'
import { Pieces } from './pieces.ts'

export function Compared({ one }: { readonly one: Previewed }): VNode {
  const { record, line, outcome, reason, clauses } = one
  const parsed = useMemo(() => parse(record), [record])
  const left: readonly Piece[] = useMemo(
    () => (parsed === undefined ? [{ text: record, kind: 'plain' }] : piecesOfRecord(parsed, line)),
    [parsed, record, line],
  )
  const right = useMemo(() => (line === undefined ? [] : piecesOfLine(line, parsed)), [line, parsed])
  return html`<div class="compared">
    ${
      (outcome !== 'sent' || reason) &&
      html`<${Callout} tone=${outcome === 'dead-letter' ? 'bad' : 'info'}><p><bdi>${reason ?? 'It is left out.'}</bdi></p><//>`
    }
    ${clauses && clauses.length > 0 && html`<${Clauses} clauses=${clauses} />`}
    <div class="sides">
      <section class="side" aria-label="Record">
        <h4>Record <span class="minor">as Microsoft sent it</span></h4>
        <${Pieces} pieces=${left} label="Record" />
      </section>
      <section class="side" aria-label="Line">
        <h4>Line <span class="minor">as your SIEM gets it</span></h4>
        ${
          line === undefined
            ? html`<p class="side-none">${outcome === 'dead-letter' ? 'None: the record cannot be written.' : 'None: the record is left out.'}</p>`
            : html`<${Pieces} pieces=${right} label="Line" isWrapped />`
        }
        <p class="legend"><span class="piece-kept">taken over as it is</span><span class="piece-changed">made by the relay</span></p>
      </section>
    </div>
  </div>`
}

function Clauses({ clauses }: { readonly clauses: NonNullable<Previewed['clauses']> }): VNode {
  return html`<ul class="clause-list" aria-label="Why">
    ${clauses.map(
      ({ passed, decides, sentence }, index) => html`<li key=${index} class=${passed ? 'text-ok' : 'text-bad'}>
        <${Icon} name=${passed ? 'check' : 'cross'} size=${16} /><span><span class="hidden">${passed ? 'Holds: ' : 'Does not hold: '}</span><bdi>${sentence}</bdi>${decides && html` <span class="tag">decides</span>`}</span>
      </li>`,
    )}
  </ul>`
}

function parse(record: string): unknown {
  try {
    return JSON.parse(record)
  } catch {
    return undefined
  }
}
