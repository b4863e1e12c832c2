/** The frame of pages for people who are not signed in yet. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { Icon } from '../components/icons.ts'

interface FrontProps {
  readonly title: string
  readonly lead: string
  readonly children: ComponentChildren
}

export function Front({ title, lead, children }: FrontProps): VNode {
  useEffect(() => {
    document.title = `${title} · siem-relay`
  }, [title])
  return html`<div class="front">
    <main class="front-card">
      <p class="brand front-brand"><span class="brand-mark"><${Icon} name="shield" size=${20} /></span>siem-relay</p>
      <h1>${title}</h1>
      <p class="lead">${lead}</p>
      ${children}
    </main>
    <p class="front-foot">Alerts, activities and Cloud Discovery records to your SIEM: nothing lost, each alert once.</p>
  </div>`
}
