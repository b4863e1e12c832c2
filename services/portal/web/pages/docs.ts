/** Pages of the documentation, which the portal has with it: what notifications and forms link to works without the internet. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { Page } from '../components/page.ts'
import { Empty, Failure, Skeleton } from '../components/states.ts'
import { type Block, type Inline, parseMarkdown, resolveLink } from '../docs/markdown.ts'
import { useLoad } from '../lib/load.ts'
import { docsUrl, root } from '../lib/root.ts'
import type { Params } from '../routes.ts'

export function DocsPage({ params: { rest = '' } }: { readonly params: Params }): VNode {
  const loaded = useLoad((signal) => readPage(rest, signal), [rest])
  const blocks = useMemo(() => parseMarkdown(loaded.data ?? ''), [loaded.data])
  useEffect(() => {
    if (location.hash !== '') document.getElementById(location.hash.slice(1))?.scrollIntoView()
  }, [blocks])
  const [first, ...others] = blocks
  const title = first?.kind === 'heading' ? first.text.map(({ text }) => text).join('') : 'Documentation'
  if (loaded.failure)
    return html`<${Page} title="Documentation"><${Failure} failure=${loaded.failure} onRetry=${loaded.reload} /><//>`
  if (loaded.data === undefined) return html`<${Page} title="Documentation"><${Skeleton} /><//>`
  return html`<${Page} key=${title} title=${title}>
    ${
      loaded.data === ''
        ? html`<${Empty} icon="search" title="This page is not here"><p>It may have moved. <a href=${docsUrl('using/README.md')}>See all pages</a>.</p><//>`
        : html`<article class="doc">${others.map((block, index) => html`<${Shown} key=${index} block=${block} page=${rest} />`)}</article>`
    }
  <//>`
}

/** @returns '' for a page that does not exist. */
async function readPage(path: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${root}docs/${path}`, { signal })
  if (response.ok) return response.text()
  await response.body?.cancel()
  return ''
}

interface ShownProps {
  readonly block: Block
  readonly page: string
}

function Shown({ block, page }: ShownProps): VNode {
  const text = (parts: readonly Inline[]) =>
    parts.map((part, index) => html`<${Part} key=${index} part=${part} page=${page} />`)
  switch (block.kind) {
    case 'heading':
      return block.level <= 2
        ? html`<h2 id=${block.id}>${text(block.text)}</h2>`
        : html`<h3 id=${block.id}>${text(block.text)}</h3>`
    case 'paragraph':
      return html`<p>${text(block.text)}</p>`
    case 'code':
      return html`<pre class="code-block" tabindex="0"><code>${block.text}</code></pre>`
    case 'list': {
      const items = block.items.map((item, index) => html`<li key=${index}>${text(item)}</li>`)
      return block.isOrdered ? html`<ol>${items}</ol>` : html`<ul>${items}</ul>`
    }
    case 'table':
      return html`<div class="table-box" role="region" aria-label="Table" tabindex="0"><table class="table">
        <thead><tr>${block.head.map((cell, index) => html`<th scope="col" key=${index}>${text(cell)}</th>`)}</tr></thead>
        <tbody>${block.rows.map((row, at) => html`<tr key=${at}>${row.map((cell, index) => html`<td key=${index}>${text(cell)}</td>`)}</tr>`)}</tbody>
      </table></div>`
  }
}

function Part({ part, page }: { readonly part: Inline; readonly page: string }): VNode | string {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'code':
      return html`<code>${part.text}</code>`
    case 'strong':
      return html`<strong>${part.text}</strong>`
    case 'em':
      return html`<em>${part.text}</em>`
    case 'link': {
      const to = resolveLink(part.href, page)
      if (to.page !== undefined) return html`<a href=${docsUrl(to.page)}>${part.text}</a>`
      return to.url === undefined
        ? part.text
        : html`<a href=${to.url} target="_blank" rel="noreferrer">${part.text}</a>`
    }
  }
}
