/** The wizard for Microsoft Sentinel: DATA TYPES, CONFIGURE, and what is left to do in Sentinel. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { AgentRow } from '../../src/contract/agents.ts'
import { DataTypesStep } from '../agent-form/data-types.ts'
import { definitionOf, isSame, newSentinelDraft } from '../agent-form/draft.ts'
import { type Form, partsOfStep, problemsOfStep, type StepKey, useForm } from '../agent-form/form.ts'
import { SentinelStep } from '../agent-form/sentinel-settings.ts'
import { useTenants } from '../agent-form/tenants.ts'
import { Wizard } from '../agent-form/wizard.ts'
import { Icon } from '../components/icons.ts'
import { Failure } from '../components/states.ts'
import { type ApiFailure, failureOf, send } from '../lib/api.ts'
import { docsUrl } from '../lib/root.ts'
import { navigate } from '../lib/router.ts'
import { showFirstProblem } from './syslog-wizard.ts'

export const sentinelSteps = [
  { key: 'types', label: 'DATA TYPES' },
  { key: 'configure', label: 'CONFIGURE' },
] as const satisfies readonly { key: StepKey; label: string }[]

export function NewSentinelAgent(): VNode {
  const form = useForm(newSentinelDraft)
  const tenants = useTenants()
  const [current, setCurrent] = useState<StepKey>('types')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const [created, setCreated] = useState<AgentRow | undefined>(undefined)
  const body = useRef<HTMLDivElement>(null)
  const isLast = current === 'configure'
  const next = async () => {
    form.reveal(partsOfStep[current])
    setIsBusy(true)
    setFailure(undefined)
    try {
      if (problemsOfStep(form.draft, await form.judge(), current) > 0) showFirstProblem(body.current)
      else if (!isLast) setCurrent('configure')
      else
        setCreated((await send<{ agent: AgentRow }>('POST', '/agents', { definition: definitionOf(form.draft) })).agent)
    } catch (error) {
      setFailure(failureOf(error))
    }
    setIsBusy(false)
  }
  const steps = sentinelSteps.map(({ key, label }, index) => ({
    key,
    label,
    isDone: created !== undefined || (index === 0 && isLast),
    hasProblem: index === 0 && isLast && problemsOfStep(form.draft, form.check, key) > 0,
    isOpen: created === undefined && (index === 0 || isLast),
  }))
  const actions =
    created !== undefined
      ? html`<button type="button" class="button button-primary" onClick=${() => void navigate('/agents')}>Close</button>`
      : html`<button type="button" class="button" disabled=${!isLast} onClick=${() => setCurrent('types')}>Previous</button>
          <button type="button" class="button button-primary" disabled=${isBusy} onClick=${next}>
            ${isLast ? 'Finish' : 'Next'}<${Icon} name="right" size=${16} /></button>`
  return html`<${Wizard} title="Configure Microsoft Sentinel integration" guide="using/sentinel.md" steps=${steps} current=${current} actions=${actions}
    isDirty=${created === undefined && !isSame(form.draft, newSentinelDraft)} onGo=${(key: StepKey) => setCurrent(key)}>
    <div ref=${body}>
      ${failure && html`<${Failure} failure=${failure} />`}
      ${created !== undefined ? html`<${EndPage} agent=${created} />` : html`<${SentinelFormStep} step=${current} form=${form} tenants=${tenants} />`}
    </div>
  <//>`
}

interface StepProps {
  readonly step: string
  readonly form: Form
  readonly tenants: readonly string[]
}

export function SentinelFormStep({ step, form, tenants }: StepProps): VNode {
  return step === 'types'
    ? html`<${DataTypesStep} form=${form} tenants=${tenants} />`
    : html`<${SentinelStep} form=${form} />`
}

function EndPage({ agent }: { readonly agent: AgentRow }): VNode {
  return html`<div class="congratulation stack">
    <p class="congratulation-icon text-ok"><${Icon} name="check" size=${40} /></p>
    <h3>Congratulations! <bdi>${agent.name}</bdi> is set up.</h3>
    <div class="panel stack">
      <h3>What next?</h3>
      <ol class="howto">
        <li>In Microsoft Sentinel, install the analytics rule and the workbook of <a href=${docsUrl('using/sentinel-deploy.md')} target="_blank" rel="noreferrer">deploy/sentinel</a>,
          so that alerts raise incidents.</li>
        <li>Open <strong>Logs</strong> and ask for <code>McasAlerts_CL</code>. The first rows come within minutes; new discovery logs usually show within 15 minutes.</li>
        <li>Watch the status in the table of SIEM agents: it changes to <strong>Connected</strong> when Azure has taken the first rows.</li>
      </ol>
    </div>
  </div>`
}
