/** Risk levels as a doughnut, scores as columns, tags as bars. Scores go from 0 to 10, and 10 is the safest. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { DiscoverySummary } from '../../src/contract/discovery.ts'
import { Select } from '../components/field.ts'
import { bytesText, countText, plural } from '../lib/format.ts'
import { Doughnut, Legend, type Part, StackedBar } from './bars.ts'

type Level = DiscoverySummary['risk'][number]['level']

const levelWords: Readonly<Record<Level, string>> = {
  high: 'High risk',
  medium: 'Medium risk',
  low: 'Low risk',
  unknown: 'Not scored',
}

export function RiskLevels({ risk }: { readonly risk: DiscoverySummary['risk'] }): VNode {
  const [measure, setMeasure] = useState<'totalBytes' | 'apps'>('totalBytes')
  const format = measure === 'apps' ? countText : bytesText
  const parts: readonly Part[] = risk.map((one) => ({
    key: one.level,
    label: levelWords[one.level],
    value: one[measure],
  }))
  const total = parts.reduce((sum, { value }) => sum + value, 0)
  return html`<section class="card chart-card" aria-labelledby="risk-title">
    <div class="card-head"><h2 id="risk-title">Risk levels</h2>
      <label class="inline-field">by <${Select} aria-label="Risk levels by" value=${measure} onChange=${setMeasure} choices=${[
        { value: 'totalBytes', label: 'Traffic' },
        { value: 'apps', label: 'Apps' },
      ]} /></label></div>
    <div class="doughnut-box"><${Doughnut} parts=${parts} middle=${format(total)} /><${Legend} parts=${parts} format=${format} /></div>
  </section>`
}

const scores = Array.from({ length: 11 }, (_, score) => score)

function levelOf(score: number): Level {
  return score <= 3 ? 'high' : score <= 7 ? 'medium' : 'low'
}

export function Scores({ scores: given }: { readonly scores: DiscoverySummary['scores'] }): VNode {
  const counts = scores.map((score) => given.find((one) => one.score === score)?.apps ?? 0)
  const highest = Math.max(1, ...counts)
  return html`<section class="card chart-card" aria-labelledby="scores-title">
    <div class="card-head"><h2 id="scores-title">Discovered apps by risk score</h2></div>
    <p class="minor">0 is the riskiest, 10 the safest</p>
    <ol class="columns-chart" start="0">
      ${counts.map(
        (count, score) => html`<li key=${score}>
          <span class="column-count">${count > 0 ? count : ''}</span>
          <svg class="column-svg" viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
            <rect class=${`fill-${levelOf(score)}`} x="0" y=${100 - (count / highest) * 100} width="10" height=${(count / highest) * 100} /></svg>
          <span class="column-label"><span class="hidden">Score </span>${score}<span class="hidden">: ${plural(count, 'app')}</span></span>
        </li>`,
      )}
    </ol>
  </section>`
}

const tagsShown = 8

export function Tags({ tags }: { readonly tags: DiscoverySummary['tags'] }): VNode {
  const longest = Math.max(1, ...tags.map(({ apps }) => apps))
  return html`<section class="card chart-card" aria-labelledby="tags-title">
    <div class="card-head"><h2 id="tags-title">App tags distribution</h2></div>
    <ul class="bars">
      ${tags.slice(0, tagsShown).map(
        ({
          tag,
          apps,
        }) => html`<li class="bar-row" key=${tag}><span class="bar-name"><bdi>${tag === '' ? 'None' : tag}</bdi></span><span class="bar-value">${countText(apps)}</span>
          <${StackedBar} parts=${[{ key: ['sanctioned', 'unsanctioned'].includes(tag) ? tag : 'accent', label: tag, value: apps }]} longest=${longest} /></li>`,
      )}
    </ul>
    ${tags.length > tagsShown && html`<p class="minor">and ${tags.length - tagsShown} more</p>`}
  </section>`
}
