/** The steps of a wizard: an arrow at the one that is open, ticks at those that are done. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Icon } from '../components/icons.ts'

export interface StepSpec {
  readonly key: string
  readonly label: string
  readonly isDone: boolean
  readonly hasProblem: boolean
  /** It may be gone to from where one is. */
  readonly isOpen: boolean
}

interface StepperProps {
  readonly steps: readonly StepSpec[]
  readonly current: string
  readonly onGo: (key: string) => void
}

export function Stepper({ steps, current, onGo }: StepperProps): VNode {
  return html`<ol class="stepper" aria-label="Steps">
    ${steps.map(({ key, label, isDone, hasProblem, isOpen }, index) => {
      const isCurrent = key === current
      const tone = isCurrent ? 'step-current' : hasProblem ? 'step-bad' : isDone ? 'step-done' : ''
      const said = isCurrent ? '' : hasProblem ? ', needs attention' : isDone ? ', done' : ''
      return html`<li class=${`step ${tone}`} key=${key}>
        <button type="button" class="step-button" aria-current=${isCurrent ? 'step' : undefined} disabled=${!isOpen && !isCurrent} onClick=${() => onGo(key)}>
          <span class="step-mark"><${Icon} name=${isCurrent ? 'right' : hasProblem ? 'warning' : isDone ? 'check' : 'dot'} size=${16} /></span>
          <span class="step-number">${index + 1}</span><span class="step-label">${label}</span><span class="hidden">${said}</span>
        </button>
      </li>`
    })}
  </ol>`
}
