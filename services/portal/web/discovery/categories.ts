/** App categories: horizontal bars of sanctioned, unsanctioned and other, by traffic or by users. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { DiscoverySummary } from '../../src/contract/discovery.ts'
import { Select } from '../components/field.ts'
import { Pager } from '../components/table.ts'
import { bytesText, countText } from '../lib/format.ts'
import { Legend, type Part, StackedBar } from './bars.ts'

type Category = DiscoverySummary['categories'][number]
type Measure = 'traffic' | 'users' | 'apps'

const pageSize = 8

export function Categories({ categories }: { readonly categories: readonly Category[] }): VNode {
  const [measure, setMeasure] = useState<Measure>('traffic')
  const [offset, setOffset] = useState(0)
  const sorted = categories.toSorted((left, right) => measured(right, measure) - measured(left, measure))
  const longest = Math.max(0, ...sorted.map((category) => measured(category, measure)))
  const at = offset < sorted.length ? offset : 0
  return html`<section class="card chart-card" aria-labelledby="categories-title">
    <div class="card-head"><h2 id="categories-title">App categories</h2>
      <label class="inline-field">by <${Select} aria-label="Categories by" value=${measure} onChange=${setMeasure} choices=${[
        { value: 'traffic', label: 'Traffic' },
        { value: 'users', label: 'Users' },
        { value: 'apps', label: 'Apps' },
      ]} /></label></div>
    ${measure === 'traffic' && html`<${Legend} parts=${partsOf({ sanctionedBytes: 0, unsanctionedBytes: 0, totalBytes: 0 })} />`}
    <ul class="bars">
      ${sorted.slice(at, at + pageSize).map((category) => {
        const parts =
          measure === 'traffic'
            ? partsOf(category)
            : [{ key: 'accent', label: measure, value: measured(category, measure) }]
        return html`<li class="bar-row" key=${category.name}>
          <span class="bar-name"><bdi>${category.name}</bdi></span>
          <span class="bar-value">${measure === 'traffic' ? bytesText(category.totalBytes) : countText(measured(category, measure))}</span>
          <${StackedBar} parts=${parts} longest=${longest} />
          ${measure === 'traffic' && html`<span class="hidden">${parts.map(({ label, value }) => `${label} ${bytesText(value)}`).join(', ')}</span>`}
        </li>`
      })}
    </ul>
    ${sorted.length > pageSize && html`<${Pager} offset=${at} size=${pageSize} total=${sorted.length} what="categories" onMove=${setOffset} />`}
  </section>`
}

function measured(category: Category, measure: Measure): number {
  return measure === 'traffic' ? category.totalBytes : category[measure]
}

function partsOf({
  sanctionedBytes,
  unsanctionedBytes,
  totalBytes,
}: Pick<Category, 'sanctionedBytes' | 'unsanctionedBytes' | 'totalBytes'>): readonly Part[] {
  return [
    { key: 'sanctioned', label: 'Sanctioned', value: sanctionedBytes },
    { key: 'unsanctioned', label: 'Unsanctioned', value: unsanctionedBytes },
    { key: 'other', label: 'Other', value: Math.max(0, totalBytes - sanctionedBytes - unsanctionedBytes) },
  ]
}
