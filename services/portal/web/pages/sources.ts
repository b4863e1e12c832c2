/** Sources: what is read from Microsoft, how far it is read, and which times may be incomplete. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Icon, type IconName } from '../components/icons.ts'
import { Page } from '../components/page.ts'
import { Callout, Empty, Loading } from '../components/states.ts'
import { get } from '../lib/api.ts'
import { agoText, countText, durationText, momentText } from '../lib/format.ts'
import { useLoad } from '../lib/load.ts'
import { docsUrl } from '../lib/root.ts'
import type { SourceErrorShape, SourceShape, SourceStreamShape } from '../records/shapes.ts'
import { typeWords } from '../records/source-words.ts'

const refreshMs = 10_000

const stateWords: Readonly<Record<string, { label: string; icon: IconName; tone: string }>> = {
  collecting: { label: 'Collecting', icon: 'check', tone: 'ok' },
  starting: { label: 'Starting', icon: 'clock', tone: 'quiet' },
  waiting: { label: 'Waiting', icon: 'clock', tone: 'warn' },
  error: { label: 'Needs you', icon: 'warning', tone: 'bad' },
  unknown: { label: 'No report yet', icon: 'clock', tone: 'quiet' },
}
export function SourcesPage(): VNode {
  const sources = useLoad((signal) => get<{ sources: SourceShape[] }>('/sources', {}, signal), [], refreshMs)
  return html`<${Page} title="Sources" lead="What the relay reads from Microsoft, and how far it is.">
    <${Loading} of=${sources}>${(data: { sources: SourceShape[] }) =>
      data.sources.length === 0
        ? html`<${Empty} icon="sources" title="No sources"><p>Name a tenant and its sources in <code>siem-relay.yaml</code>; they appear here once they are read.</p><//>`
        : html`<ul class="cards">${data.sources.map((source) => html`<${Source} key=${source.id} source=${source} />`)}</ul>`}<//>
  <//>`
}

function Source({ source }: { readonly source: SourceShape }): VNode {
  const {
    id,
    tenant,
    type,
    state,
    reported,
    isConfigured,
    streams,
    behindSeconds,
    backlog,
    budgetRemaining,
    lastError,
    atMs,
    host,
  } = source
  const nowMs = Date.now()
  const { label, icon, tone } = stateWords[state] ?? { label: state, icon: 'info', tone: 'quiet' }
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Tenant', tenant],
    [
      'Behind',
      behindSeconds === undefined ? undefined : behindSeconds < 120 ? 'up to date' : durationText(behindSeconds),
    ],
    ['Waiting at the source', backlog === undefined ? undefined : countText(backlog)],
    ['Requests left', budgetRemaining === undefined ? undefined : countText(Math.floor(budgetRemaining))],
    ['Read by', host],
  ]
  return html`<li class="card source">
    <div class="card-head">
      <div><h2><bdi>${id}</bdi></h2><p class="minor">${typeWords[type] ?? type}</p></div>
      <span class=${`badge badge-${reported === 'fresh' ? tone : 'quiet'}`}><${Icon} name=${icon} size=${16} />${label}</span>
    </div>
    ${reported === 'stale' && html`<${Callout} tone="warn"><p>Nobody has told of this source ${atMs === undefined ? '' : `since ${agoText(atMs, nowMs)}`}. Check that a collector runs.</p><//>`}
    ${!isConfigured && html`<${Callout} tone="info"><p>It is not in the configuration any more.</p><//>`}
    ${lastError && state !== 'collecting' && html`<${Cause} error=${lastError} nowMs=${nowMs} />`}
    <dl class="facts">${facts.map(([name, text]) => text && html`<div key=${name}><dt>${name}</dt><dd><bdi>${text}</bdi></dd></div>`)}</dl>
    <ul class="streams">${streams.map((stream) => html`<${Stream} key=${stream.kind} stream=${stream} nowMs=${nowMs} />`)}</ul>
  </li>`
}

function Cause({
  error: { code, message, nextMove, atMs },
  nowMs,
}: {
  readonly error: SourceErrorShape
  readonly nowMs: number
}): VNode {
  return html`<${Callout} tone="bad"><p><strong><bdi>${message}</bdi></strong></p>${nextMove && html`<p>${nextMove}</p>`}
    <p class="minor">${code} · ${agoText(atMs, nowMs)}</p><//>`
}

function Stream({
  stream: { kind, state, watermarkMs, backlog, lastError, gaps = [] },
  nowMs,
}: {
  readonly stream: SourceStreamShape
  readonly nowMs: number
}): VNode {
  const { label, tone } = stateWords[state] ?? { label: state, tone: 'quiet' }
  return html`<li class="stream">
    <span class="stream-name">${kind}</span>
    <span class=${`badge badge-${tone}`}>${label}</span>
    <span class="minor">${watermarkMs === undefined ? 'not read yet' : html`read up to <time title=${momentText(watermarkMs)}>${agoText(watermarkMs, nowMs)}</time>`}
      ${backlog !== undefined && backlog > 0 && `, ${countText(backlog)} waiting`}</span>
    ${lastError && state !== 'collecting' && html`<p class="cause"><bdi>${lastError.message}</bdi></p>`}
    ${
      gaps.length > 0 &&
      html`<details class="gaps"><summary>${gaps.length === 1 ? '1 time that may be incomplete' : `${gaps.length} times that may be incomplete`}</summary>
        <ul>${gaps.map(
          ({
            fromMs,
            toMs,
            reason,
            state: gapState,
          }) => html`<li key=${fromMs}>${momentText(fromMs)} – ${momentText(toMs)}: <bdi>${reason}</bdi>
          <span class="tag">${gapState === 'unverifiable' ? 'cannot be read again' : 'is read again'}</span></li>`,
        )}</ul>
        <p><a href=${docsUrl('operating/gaps.md')} target="_blank" rel="noreferrer">What gaps mean</a></p></details>`
    }
  </li>`
}
