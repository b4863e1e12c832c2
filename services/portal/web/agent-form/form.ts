/** What the parts of a form share: the draft, what the relay says about it, and where to say it. */
import { useState } from 'preact/hooks'
import type { AgentCheck } from '../../src/contract/agents.ts'
import { send } from '../lib/api.ts'
import { useLoad, useSettled } from '../lib/load.ts'
import { type AgentDraft, definitionOf, type Path, valueAt, withValue } from './draft.ts'

export interface Form {
  readonly draft: AgentDraft
  readonly isReadOnly: boolean
  readonly check: AgentCheck | undefined
  /** The relay could not be asked. */
  readonly isUnchecked: boolean
  set(path: Path, value: unknown): void
  replace(draft: AgentDraft): void
  /** What is wrong at a place, once somebody was there. */
  problemAt(...path: Path): string | undefined
  warningAt(...path: Path): string | undefined
  textAt(...path: Path): string
  /** From now on problems of these places are shown though nobody was there. */
  reveal(parts: readonly string[]): void
}

const checkAfterMs = 300

export function useForm(initial: AgentDraft, isReadOnly = false, isNew = true): Form {
  const [draft, setDraft] = useState(initial)
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set())
  const [revealed, setRevealed] = useState<ReadonlySet<string>>(new Set())
  const settled = useSettled(draft, checkAfterMs)
  const checked = useLoad(
    (signal) => send<AgentCheck>('POST', '/agents/check', { definition: definitionOf(settled) }, { signal }),
    [settled],
  )
  const isShown = (path: Path): boolean =>
    !isNew || revealed.has(String(path[0])) || [...seen].some((key) => path.join('/').startsWith(key))
  const sentence = (list: AgentCheck['problems'] | undefined, path: Path): string | undefined =>
    list
      ?.filter((one) => startsWith(one.path, path))
      .map(({ message }) => message)
      .join('; ') || undefined
  return {
    draft,
    isReadOnly,
    check: checked.data,
    isUnchecked: checked.failure !== undefined,
    set(path, value) {
      setSeen((before) => new Set(before).add(path.join('/')))
      setDraft((before) => withValue(before, path, value))
    },
    replace: setDraft,
    problemAt: (...path) =>
      !isShown(path)
        ? undefined
        : path[0] === 'name' && (draft.name ?? '').trim() === ''
          ? 'Give the agent a name.'
          : sentence(checked.data?.problems, path),
    warningAt: (...path) => sentence(checked.data?.warnings, path),
    textAt: (...path) => textOf(valueAt(draft, path)),
    reveal: (parts) => setRevealed((before) => new Set([...before, ...parts])),
  }
}

function startsWith(path: Path, beginning: Path): boolean {
  return beginning.every((step, index) => path[index] === step)
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Settings by the step of the wizard they stand in. */
export const partsOfStep = {
  general: ['name', 'id', 'format', 'header', 'device', 'severity', 'alertTypes', 'appIds'],
  syslog: ['syslog', 'remote', 'console'],
  configure: ['name', 'id', 'sentinel', 'format'],
  types: ['alerts', 'activities', 'discovery', 'tenants', 'dedup'],
} as const satisfies Record<string, readonly string[]>

export type StepKey = keyof typeof partsOfStep

/** Whether a step can be left: nothing of it is wrong. */
export function problemsOfStep(form: Form, step: StepKey): number {
  const parts: readonly string[] = partsOfStep[step]
  const isNameless = parts.includes('name') && (form.draft.name ?? '').trim() === ''
  return (
    (form.check?.problems ?? []).filter(({ path }) => parts.includes(String(path[0] ?? ''))).length +
    (isNameless ? 1 : 0)
  )
}
