/** The frame of the wizards and of editing: stepper, step, and the way on. It covers the page as the original did, and asks before
 *  anything that was typed is lost. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ask } from '../components/dialog.ts'
import { Icon } from '../components/icons.ts'
import { docsUrl } from '../lib/root.ts'
import { navigate, useLeaveGuard } from '../lib/router.ts'
import { Stepper, type StepSpec } from './stepper.ts'

interface WizardProps {
  readonly title: string
  readonly guide: string
  readonly steps: readonly StepSpec[]
  readonly current: string
  readonly onGo: (key: string) => void
  readonly isDirty: boolean
  readonly actions: ComponentChildren
  readonly children: ComponentChildren
  /** Before the steps, such as that an agent is read-only. */
  readonly notice?: ComponentChildren
  readonly quitLabel?: string
}

const askToQuit = () =>
  ask({
    title: 'Quit without saving?',
    body: html`<p>What you entered is not saved yet and would be lost.</p>`,
    yes: 'Quit',
    no: 'Go on editing',
    isDangerous: true,
  })

export function Wizard({
  title,
  guide,
  steps,
  current,
  onGo,
  isDirty,
  actions,
  children,
  notice,
  quitLabel = 'Quit…',
}: WizardProps): VNode {
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  const step = steps.find(({ key }) => key === current)
  useLeaveGuard(isDirty, askToQuit)
  useEffect(() => {
    document.title = `${title} · siem-relay`
  }, [title])
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
    if (!isFirst.current) document.getElementById('main')?.scrollTo(0, 0)
    isFirst.current = false
  }, [current])
  return html`<div class="wizard">
    <header class="wizard-head">
      <h1>${title}</h1>
      <a class="with-icon" href=${docsUrl(guide)} target="_blank" rel="noreferrer">Integration guide<${Icon} name="link" size=${16} /></a>
    </header>
    <div class="wizard-body">
      <${Stepper} steps=${steps} current=${current} onGo=${onGo} />
      <section class="wizard-step" aria-labelledby="step-title">
        ${notice}
        <h2 id="step-title" tabindex="-1" ref=${heading}>${step?.label}</h2>
        ${children}
      </section>
    </div>
    <footer class="wizard-foot">
      <button type="button" class="button button-quiet" onClick=${() => void navigate('/agents')}>${quitLabel}</button>
      <span class="grow"></span>
      ${actions}
    </footer>
  </div>`
}
