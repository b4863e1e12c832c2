/** Sends one line to the receiver from where the relay runs, and tells what happened step by step. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { TestMessageAnswer } from '../../src/contract/agents.ts'
import { Icon, type IconName } from '../components/icons.ts'
import { Callout, Failure } from '../components/states.ts'
import { type ApiFailure, failureOf, send } from '../lib/api.ts'
import { plural } from '../lib/format.ts'
import { isAdmin } from '../lib/session.ts'
import { definitionOf, isSame } from './draft.ts'
import type { Form } from './form.ts'

type Step = TestMessageAnswer['steps'][number]

const stepWords: Readonly<Record<Step['name'], string>> = {
  settings: 'Settings',
  dns: 'Look up the host',
  connect: 'Connect',
  tls: 'Agree on TLS',
  send: 'Send the line',
  confirm: 'Confirm',
}
const outcomes = {
  ok: { icon: 'check', tone: 'ok', label: 'done' },
  warning: { icon: 'warning', tone: 'warn', label: 'warning' },
  failed: { icon: 'cross', tone: 'bad', label: 'failed' },
  skipped: { icon: 'dot', tone: 'quiet', label: 'left out' },
} as const satisfies Record<Step['outcome'], { icon: IconName; tone: string; label: string }>

export function TestMessage({ form }: { readonly form: Form }): VNode {
  const [isBusy, setIsBusy] = useState(false)
  const [answer, setAnswer] = useState<(TestMessageAnswer & { readonly of: unknown }) | undefined>(undefined)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const definition = definitionOf(form.draft)
  const isOld = answer !== undefined && !isSame(answer.of, definition.syslog)
  const test = async () => {
    setIsBusy(true)
    setFailure(undefined)
    setAnswer(undefined)
    form.reveal(['syslog'])
    try {
      setAnswer({
        ...(await send<TestMessageAnswer>('POST', '/agents/test-message', { definition })),
        of: definition.syslog,
      })
    } catch (error) {
      setFailure(failureOf(error))
    }
    setIsBusy(false)
  }
  return html`<section class="panel" aria-label="Test message">
    <div class="panel-head">
      <div><h3>Send test message</h3><p class="minor">One line, marked as a test, to see that it arrives. Nothing is saved.</p></div>
      <button type="button" class="button" disabled=${isBusy || !isAdmin()} onClick=${test}>
        <${Icon} name="send" />${isBusy ? 'Sending…' : answer ? 'Send again' : 'Send test message'}</button>
    </div>
    <div aria-live="polite">
      ${failure && html`<${Failure} failure=${failure} />`}
      ${answer && html`<${Answer} answer=${answer} isOld=${isOld} />`}
    </div>
  </section>`
}

function Answer({
  answer: { ok, line, bytes, steps },
  isOld,
}: {
  readonly answer: TestMessageAnswer
  readonly isOld: boolean
}): VNode {
  return html`<div class="stack">
    ${isOld && html`<${Callout} tone="info"><p>You changed the settings since this test.</p><//>`}
    <p class=${ok ? 'verdict text-ok' : 'verdict text-bad'}><${Icon} name=${ok ? 'check' : 'cross'} />
      ${ok ? `Sent, ${plural(bytes, 'byte')}. Look for it in your SIEM.` : 'It did not arrive.'}</p>
    <ol class="test-steps">
      ${steps.map(({ name, outcome, ms, seen, fix }, index) => {
        const { icon, tone, label } = outcomes[outcome]
        return html`<li class=${`test-step text-step-${tone}`} key=${index}>
          <span class=${`step-icon text-${tone}`}><${Icon} name=${icon} size=${18} /></span>
          <div><strong>${stepWords[name]}</strong> <span class="hidden">${label}</span>${ms !== undefined && html`<span class="minor"> ${Math.round(ms)} ms</span>`}
            <p><bdi>${seen}</bdi></p>
            ${fix && html`<p class="note-fix"><strong>What to do:</strong> ${fix}</p>`}
          </div>
        </li>`
      })}
    </ol>
    <pre class="code-block code-wrap" tabindex="0" aria-label="The line that was sent"><code>${line}</code></pre>
  </div>`
}
