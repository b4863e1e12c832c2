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
  set(path: Path, value: unknown): void
  replace(draft: AgentDraft): void
  /** What is wrong at a place, once somebody was there. */
  problemAt(...path: Path): string | undefined
  warningAt(...path: Path): string | undefined
  textAt(...path: Path): string
  /** Judges the draft as it is at this moment: what stands in `check` is a moment old. */
  judge(): Promise<AgentCheck>
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
  const [judged, setJudged] = useState<{ readonly draft: AgentDraft; readonly check: AgentCheck } | undefined>(
    undefined,
  )
  const check = judged?.draft === draft ? judged.check : checked.data
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
    check,
    async judge() {
      const answer = await send<AgentCheck>('POST', '/agents/check', { definition: definitionOf(draft) })
      setJudged({ draft, check: answer })
      return answer
    },
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
          : sentence(check?.problems, path),
    warningAt: (...path) => sentence(check?.warnings, path),
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

/** How many things are wrong in a step: at none it can be left. */
export function problemsOfStep(draft: AgentDraft, check: AgentCheck | undefined, step: StepKey): number {
  const parts: readonly string[] = partsOfStep[step]
  const isNameless = parts.includes('name') && (draft.name ?? '').trim() === ''
  const found = (check?.problems ?? []).filter(({ path }) => parts.includes(String(path[0] ?? '')))
  return found.length + (isNameless ? 1 : 0)
}
