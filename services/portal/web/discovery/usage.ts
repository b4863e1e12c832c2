/** Usage over time: distinct users, or traffic, of the busiest apps by day. Drawn by uPlot; the figures stand in a table below it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import type { DiscoveryUsage } from '../../src/contract/discovery.ts'
import { Select } from '../components/field.ts'
import { bytesText, countText, dayText } from '../lib/format.ts'
import { useStore } from '../lib/store.ts'
import { theme } from '../lib/theme.ts'

type Measure = 'users' | 'totalBytes'

const height = 260
const linesMax = 6

export function Usage({ usage }: { readonly usage: DiscoveryUsage }): VNode {
  const [measure, setMeasure] = useState<Measure>('users')
  const box = useRef<HTMLDivElement>(null)
  const chosenTheme = useStore(theme)
  const apps = usage.apps.slice(0, linesMax)
  useEffect(() => {
    const element = box.current
    if (element === null || usage.days.length === 0) return
    const draw = () => new uPlot(optionsOf(element, apps, measure), dataOf(usage, apps, measure), element)
    let chart = draw()
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }))
    resize.observe(element)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => {
      chart.destroy()
      chart = draw()
    }
    scheme.addEventListener('change', redraw)
    return () => {
      resize.disconnect()
      scheme.removeEventListener('change', redraw)
      chart.destroy()
    }
  }, [usage, measure, chosenTheme])
  return html`<section class="card chart-card chart-wide" aria-labelledby="usage-title">
    <div class="card-head"><h2 id="usage-title">Discovered apps usage</h2>
      <label class="inline-field">by <${Select} aria-label="Usage by" value=${measure} onChange=${setMeasure} choices=${[
        { value: 'users', label: 'Users' },
        { value: 'totalBytes', label: 'Traffic' },
      ]} /></label></div>
    ${
      usage.days.length === 0
        ? html`<p class="minor">No usage in this time.</p>`
        : html`<ul class="chart-legend">${apps.map(({ name }, index) => html`<li key=${name}><span class=${`swatch swatch-line-${index}`}></span><bdi>${name}</bdi></li>`)}</ul>
            <div ref=${box} class="usage-chart" role="img" aria-label=${`Lines of ${apps.map(({ name }) => name).join(', ')} by day; the table below has the figures`}></div>
            <${Figures} usage=${usage} apps=${apps} measure=${measure} />`
    }
  </section>`
}

interface Shown {
  readonly usage: DiscoveryUsage
  readonly apps: DiscoveryUsage['apps']
  readonly measure: Measure
}

function Figures({ usage, apps, measure }: Shown): VNode {
  const format = measure === 'users' ? countText : bytesText
  return html`<details class="figures"><summary>Show the figures</summary>
    <div class="table-box" role="region" aria-label="Usage by day" tabindex="0"><table class="table">
      <thead><tr><th scope="col">Day</th>${apps.map(({ name }) => html`<th scope="col" class="number" key=${name}><bdi>${name}</bdi></th>`)}</tr></thead>
      <tbody>${usage.days.map((day, at) => html`<tr key=${day}><th scope="row">${dayText(day)}</th>${apps.map((app) => html`<td class="number" key=${app.name}>${format(app[measure][at] ?? 0)}</td>`)}</tr>`)}</tbody>
    </table></div></details>`
}

function dataOf(usage: DiscoveryUsage, apps: DiscoveryUsage['apps'], measure: Measure): uPlot.AlignedData {
  return [usage.days.map((day) => day / 1_000), ...apps.map((app) => app[measure])]
}

/** Canvas knows no CSS: colours are read from the page's own. */
function optionsOf(element: HTMLElement, apps: DiscoveryUsage['apps'], measure: Measure): uPlot.Options {
  const css = getComputedStyle(element)
  const colour = (name: string) => {
    // `light-dark()` is resolved in properties of elements only.
    element.style.setProperty('outline-color', `var(${name})`)
    return css.outlineColor
  }
  const line = colour('--border')
  const text = colour('--muted')
  const strokes = apps.map((_, index) => colour(`--line-${index}`))
  element.style.removeProperty('outline-color')
  const format = measure === 'users' ? countText : bytesText
  const axis = {
    stroke: text,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: '12px system-ui, sans-serif',
  }
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] } },
    axes: [
      axis,
      {
        ...axis,
        size: 70,
        values: (_, values) => values.map((value) => (measure === 'users' && value % 1 !== 0 ? '' : format(value))),
      },
    ],
    series: [
      {},
      ...apps.map(({ name }, index) => ({
        label: name,
        stroke: strokes[index] ?? text,
        width: 2,
        points: { show: false },
      })),
    ],
  }
}
