/** Bars and a doughnut as inline SVG. What they show is written beside them as well, for those who do not see colours or pictures. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

export interface Part {
  readonly key: string
  readonly label: string
  readonly value: number
}

/** One horizontal bar of several parts, as long as its share of the longest one. */
export function StackedBar({ parts, longest }: { readonly parts: readonly Part[]; readonly longest: number }): VNode {
  let at = 0
  return html`<svg class="bar-svg" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="bar-track" x="0" y="0" width="100" height="8" />
    ${parts.map(({ key, value }) => {
      const width = longest > 0 ? (value / longest) * 100 : 0
      const x = at
      at += width
      return width > 0 && html`<rect key=${key} class=${`fill-${key}`} x=${x} y="0" width=${width} height="8" />`
    })}
  </svg>`
}

const radius = 40
const around = 2 * Math.PI * radius

export function Doughnut({ parts, middle }: { readonly parts: readonly Part[]; readonly middle: string }): VNode {
  const total = parts.reduce((sum, { value }) => sum + value, 0)
  let at = 0
  return html`<svg class="doughnut" viewBox="0 0 100 100" aria-hidden="true">
    <circle class="doughnut-track" cx="50" cy="50" r=${radius} />
    ${parts.map(({ key, value }) => {
      const length = total > 0 ? (value / total) * around : 0
      const offset = -at
      at += length
      return (
        length > 0 &&
        html`<circle key=${key} class=${`doughnut-part stroke-${key}`} cx="50" cy="50" r=${radius} stroke-dasharray=${`${length} ${around - length}`} stroke-dashoffset=${offset} />`
      )
    })}
    <text x="50" y="54" class="doughnut-middle">${middle}</text>
  </svg>`
}

export function Legend({
  parts,
  format,
}: {
  readonly parts: readonly Part[]
  readonly format?: (value: number) => string
}): VNode {
  return html`<ul class="chart-legend">
    ${parts.map(({ key, label, value }) => html`<li key=${key}><span class=${`swatch swatch-${key}`}></span>${label}${format && html` <span class="minor">${format(value)}</span>`}</li>`)}
  </ul>`
}
