/** "Configure SIEM agent" for a generic SIEM: GENERAL, REMOTE SYSLOG, DATA TYPES, TOKEN. The agent is made on the way to TOKEN. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { AgentRow } from '../../src/contract/agents.ts'
import { DataTypesStep } from '../agent-form/data-types.ts'
import { definitionOf, isSame, newSyslogDraft } from '../agent-form/draft.ts'
import { type Form, partsOfStep, problemsOfStep, type StepKey, useForm } from '../agent-form/form.ts'
import { GeneralStep } from '../agent-form/general.ts'
import { RemoteSyslogStep } from '../agent-form/remote-syslog.ts'
import { useTenants } from '../agent-form/tenants.ts'
import { Wizard } from '../agent-form/wizard.ts'
import { TokenPanel } from '../agents/token.ts'
import { Icon } from '../components/icons.ts'
import { Callout, Failure } from '../components/states.ts'
import { type ApiFailure, failureOf, send } from '../lib/api.ts'
import { navigate } from '../lib/router.ts'

export const syslogSteps = [
  { key: 'general', label: 'GENERAL' },
  { key: 'syslog', label: 'REMOTE SYSLOG' },
  { key: 'types', label: 'DATA TYPES' },
] as const satisfies readonly { key: StepKey; label: string }[]

interface Created {
  readonly agent: AgentRow
  readonly token?: string
}

export function NewSyslogAgent(): VNode {
  const form = useForm(newSyslogDraft)
  const tenants = useTenants()
  const [current, setCurrent] = useState<StepKey | 'token'>('general')
  const [passed, setPassed] = useState(0)
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const [created, setCreated] = useState<Created | undefined>(undefined)
  const body = useRef<HTMLDivElement>(null)
  const at = syslogSteps.findIndex(({ key }) => key === current)
  const next = async () => {
    const step = syslogSteps[at]
    if (step === undefined) return
    form.reveal(partsOfStep[step.key])
    setIsBusy(true)
    setFailure(undefined)
    try {
      await goOn(step.key)
    } catch (error) {
      setFailure(failureOf(error))
    }
    setIsBusy(false)
  }
  const goOn = async (step: StepKey) => {
    const check = await form.judge()
    const wrong = (key: StepKey) => problemsOfStep(form.draft, check, key) > 0
    if (wrong(step)) return showFirstProblem(body.current)
    setPassed(Math.max(passed, at + 1))
    const following = syslogSteps[at + 1] ?? syslogSteps.find(({ key }) => wrong(key))
    if (following !== undefined) return setCurrent(following.key)
    setCreated(await send<Created>('POST', '/agents', { definition: definitionOf(form.draft) }))
    setCurrent('token')
  }
  const steps = [
    ...syslogSteps.map(({ key, label }, index) => ({
      key,
      label,
      isDone: index < passed,
      hasProblem: index < passed && problemsOfStep(form.draft, form.check, key) > 0,
      isOpen: created === undefined && index <= passed,
    })),
    { key: 'token', label: 'TOKEN', isDone: false, hasProblem: false, isOpen: false },
  ]
  const actions =
    created !== undefined
      ? html`<button type="button" class="button button-primary" onClick=${() => void navigate('/agents')}>Finish</button>`
      : html`<button type="button" class="button" disabled=${at === 0} onClick=${() => setCurrent(syslogSteps[at - 1]?.key ?? 'general')}>Previous</button>
          <button type="button" class="button button-primary" disabled=${isBusy} onClick=${next}>Next<${Icon} name="right" size=${16} /></button>`
  return html`<${Wizard} title="Configure SIEM agent" guide="using/agents.md" steps=${steps} current=${current} actions=${actions}
    isDirty=${created === undefined && !isSame(form.draft, newSyslogDraft)} onGo=${(key: StepKey) => setCurrent(key)}>
    <div ref=${body}>
      ${failure && html`<${Failure} failure=${failure} />`}
      ${created !== undefined ? html`<${TokenStep} created=${created} />` : html`<${SyslogStep} step=${current} form=${form} tenants=${tenants} />`}
    </div>
  <//>`
}

interface SyslogStepProps {
  readonly step: string
  readonly form: Form
  readonly tenants: readonly string[]
}

export function SyslogStep({ step, form, tenants }: SyslogStepProps): VNode {
  if (step === 'general') return html`<${GeneralStep} form=${form} />`
  if (step === 'syslog') return html`<${RemoteSyslogStep} form=${form} />`
  return html`<${DataTypesStep} form=${form} tenants=${tenants} />`
}

/** Moves to what has to be corrected, so that nobody has to look for it. */
export function showFirstProblem(body: HTMLElement | null): void {
  requestAnimationFrame(() => {
    const field = body?.querySelector('.field-bad, .field-problem')?.closest('.field, .type')
    field?.scrollIntoView({ block: 'center' })
    field?.querySelector<HTMLElement>('input, textarea, select, button')?.focus()
  })
}

function TokenStep({ created: { agent, token } }: { readonly created: Created }): VNode {
  if (token !== undefined) return html`<${TokenPanel} token=${token} />`
  return html`<div class="stack">
    <${Callout} tone="ok"><p><strong><bdi>${agent.name}</bdi> was created.</strong> It runs in this relay, so no token is needed.</p><//>
    <h3>What happens next</h3>
    <ol class="howto">
      <li>Within seconds the relay connects to <strong><bdi>${agent.destination.text}</bdi></strong>; its status changes from <em>Created</em> to <em>Connected</em>.</li>
      <li>What the log holds of the last two days is sent first, then everything new.</li>
      <li>Later changes need no restart.</li>
    </ol>
  </div>`
}
