/** Editing an agent with the form that made it. Nobody's change is overwritten: when somebody else was faster, both versions are shown. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { AgentDetail } from '../../src/contract/agents.ts'
import { ConflictDialog } from '../agent-form/conflict-dialog.ts'
import { type AgentDraft, definitionOf, isSame, withValue } from '../agent-form/draft.ts'
import { problemsOfStep, type StepKey, useForm } from '../agent-form/form.ts'
import { useTenants } from '../agent-form/tenants.ts'
import { Wizard } from '../agent-form/wizard.ts'
import { agentPath } from '../agents/actions.ts'
import { Page } from '../components/page.ts'
import { Callout, Failure, Skeleton } from '../components/states.ts'
import { say } from '../components/toast.ts'
import { type ApiFailure, failureOf, get, send } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { navigate } from '../lib/router.ts'
import { isAdmin } from '../lib/session.ts'
import type { Params } from '../routes.ts'
import { SentinelFormStep, sentinelSteps } from './sentinel-wizard.ts'
import { SyslogStep, showFirstProblem, syslogSteps } from './syslog-wizard.ts'

export function EditAgent({ params: { id = '' } }: { readonly params: Params }): VNode {
  const { data, failure, reload } = useLoad((signal) => get<AgentDetail>(agentPath({ id }), {}, signal), [id])
  if (data !== undefined) return html`<${AgentForm} agent=${data} />`
  return html`<${Page} title="SIEM agent">${failure ? html`<${Failure} failure=${failure} onRetry=${reload} />` : html`<${Skeleton} />`}<//>`
}

/** The name is shown even where the definition leaves it to the id. */
function draftOf({ name, definition }: AgentDetail): AgentDraft {
  return { ...(definition as AgentDraft), name }
}

function AgentForm({ agent }: { readonly agent: AgentDetail }): VNode {
  const isReadOnly = agent.managedBy === 'file' || !isAdmin()
  const [base, setBase] = useState(() => ({ draft: draftOf(agent), revision: agent.revision }))
  const form = useForm(base.draft, isReadOnly, false)
  const tenants = useTenants()
  const isSentinel = form.draft.sentinel !== undefined
  const specs: readonly { readonly key: StepKey; readonly label: string }[] = isSentinel ? sentinelSteps : syslogSteps
  const [current, setCurrent] = useState<StepKey>(specs[0]?.key ?? 'general')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const [theirs, setTheirs] = useState<AgentDetail | undefined>(undefined)
  const body = useRef<HTMLDivElement>(null)
  const isDirty = !isReadOnly && !isSame(form.draft, base.draft)
  const save = async () => {
    setIsBusy(true)
    setFailure(undefined)
    try {
      const check = await form.judge()
      const wrong = specs.find(({ key }) => problemsOfStep(form.draft, check, key) > 0)
      if (wrong === undefined) await store()
      else {
        setCurrent(wrong.key)
        showFirstProblem(body.current)
      }
    } catch (error) {
      setFailure(failureOf(error))
    }
    setIsBusy(false)
  }
  const store = async () => {
    try {
      await send('PUT', agentPath(agent), { revision: base.revision, definition: definitionOf(form.draft) })
      say(`${form.draft.name ?? agent.name} was saved; no restart is needed`)
      await navigate('/agents', { isForced: true })
    } catch (error) {
      const reason = failureOf(error)
      const latest =
        reason.code === 'conflict' ? await get<AgentDetail>(agentPath(agent)).catch(() => undefined) : undefined
      setTheirs(latest)
      setFailure(latest === undefined ? reason : undefined)
    }
  }
  const steps = specs.map(({ key, label }) => ({
    key,
    label,
    isDone: problemsOfStep(form.draft, form.check, key) === 0,
    hasProblem: problemsOfStep(form.draft, form.check, key) > 0,
    isOpen: true,
  }))
  const actions = isReadOnly
    ? null
    : html`<button type="button" class="button button-primary" disabled=${!isDirty || isBusy} onClick=${save}>${isBusy ? 'Saving…' : 'Save'}</button>`
  const notice = isReadOnly
    ? html`<${Callout} tone="info"><p>${
        agent.managedBy === 'file'
          ? 'This agent belongs to the configuration file and is changed there; it is shown here to read.'
          : 'You may read this. Changing it is for admins.'
      }</p><//>`
    : null
  return html`<${Wizard} title=${isReadOnly ? `SIEM agent ${agent.name}` : `Edit SIEM agent ${agent.name}`} guide=${isSentinel ? 'using/sentinel.md' : 'using/agents.md'}
      steps=${steps} current=${current} onGo=${(key: StepKey) => setCurrent(key)} isDirty=${isDirty} actions=${actions} notice=${notice}
      quitLabel=${isReadOnly ? 'Close' : 'Quit…'}>
      <div ref=${body}>
        ${failure && html`<${Failure} failure=${failure} />`}
        <${isSentinel ? SentinelFormStep : SyslogStep} step=${current} form=${form} tenants=${tenants} />
      </div>
    <//>
    ${
      theirs &&
      html`<${ConflictDialog} base=${base.draft} mine=${form.draft} theirs=${draftOf(theirs)} onClose=${() => setTheirs(undefined)}
        onMerged=${(merged: AgentDraft) => {
          setBase({ draft: draftOf(theirs), revision: theirs.revision })
          form.replace(withValue(merged, ['name'], merged.name))
          setTheirs(undefined)
          say('Both versions are in the form now; save it')
        }} />`
    }`
}
