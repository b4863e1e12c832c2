/** Samples of the lines an agent would write, made by the relay itself. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AgentCheck } from '../../src/contract/agents.ts'
import { send } from '../lib/api.ts'
import { useLoad, useSettled } from '../lib/load.ts'
import { type AgentDraft, previewableOf } from './draft.ts'
import type { Form } from './form.ts'

const timeFormats = ['rfc3164-year', 'rfc3164', 'rfc5424'] as const
export type TimeFormat = (typeof timeFormats)[number]

/** UDP takes every form of a line. */
const lineOnly = { id: 'sample', syslog: { host: 'siem.example.com', port: 514, protocol: 'udp' } } as const

/** The time at the head of a line, in each form. Nothing but the time is asked for, so that a draft with mistakes has samples too. */
export function useTimeSamples({ format = 'generic' }: AgentDraft): Partial<Record<TimeFormat, string>> {
  const settled = useSettled(format, 300)
  const { data } = useLoad(
    async (signal) => {
      const samples = await Promise.all(
        timeFormats.map(async (time) => {
          const definition = { ...lineOnly, format: settled, header: { time, pri: false, systemName: false } }
          const { sample } = await send<AgentCheck>('POST', '/agents/check', { definition }, { signal })
          return [time, sample?.slice(0, sample.indexOf(' CEF:'))] as const
        }),
      )
      return Object.fromEntries(samples)
    },
    [settled],
  )
  return data ?? {}
}

/** There before the host is typed. */
export function SampleLine({ form }: { readonly form: Form }): VNode {
  const settled = useSettled(JSON.stringify(previewableOf(form.draft)), 300)
  const { data, failure } = useLoad(
    (signal) => send<AgentCheck>('POST', '/agents/check', { definition: JSON.parse(settled) }, { signal }),
    [settled],
  )
  return html`<div class="sample">
    <span class="sample-label">What your SIEM gets</span>
    ${
      data?.sample === undefined
        ? html`<p class="minor">${failure === undefined ? 'A sample appears once the settings above are right.' : 'The relay cannot be asked at the moment.'}</p>`
        : html`<pre class="code-block code-wrap" tabindex="0" aria-label="Sample line"><code>${data.sample}</code></pre>`
    }
  </div>`
}
