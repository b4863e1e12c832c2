/** Dialogs on the browser's own element: focus stays inside, Escape closes, focus returns to where it was. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { type ApiFailure, failureOf } from '../lib/api.ts'
import { createStore, useStore } from '../lib/store.ts'
import { Icon } from './icons.ts'
import { Failure } from './states.ts'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  readonly actions?: ComponentChildren
  readonly size?: 'normal' | 'wide' | 'side'
}

export function Dialog({ title, onClose, children, actions, size = 'normal' }: DialogProps): VNode {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  const cancel = (event: Event) => {
    event.preventDefault()
    onClose()
  }
  return html`<dialog ref=${element} class=${`dialog dialog-${size}`} aria-labelledby=${id} onCancel=${cancel}>
    <div class="dialog-box">
      <header class="dialog-head">
        <h2 id=${id}>${title}</h2>
        <button type="button" class="button button-quiet button-icon" aria-label="Close" onClick=${onClose}>
          <${Icon} name="cross" />
        </button>
      </header>
      <div class="dialog-body">${children}</div>
      ${actions && html`<footer class="dialog-foot">${actions}</footer>`}
    </div>
  </dialog>`
}

interface Question {
  readonly title: string
  readonly body: ComponentChildren
  readonly yes: string
  readonly no?: string
  readonly isDangerous?: boolean
  /** What has to be typed first: for acts that cannot be undone. */
  readonly typed?: string
  /** Done while the dialog is open; a failure is shown in it. */
  readonly act?: () => Promise<unknown>
}

const question = createStore<(Question & { readonly answer: (isYes: boolean) => void }) | undefined>(undefined)

/** Asks; resolves to whether the answer was yes (and the act, where there is one, was done). */
export function ask(asked: Question): Promise<boolean> {
  question.get()?.answer(false)
  return new Promise((resolve) => {
    question.set({
      ...asked,
      answer(isYes) {
        question.set(undefined)
        resolve(isYes)
      },
    })
  })
}

/** Stands once in the shell. */
export function Questions(): VNode | null {
  const asked = useStore(question)
  return asked === undefined ? null : html`<${QuestionDialog} key=${asked} ...${asked} />`
}

function QuestionDialog({
  title,
  body,
  yes,
  no = 'Cancel',
  isDangerous = false,
  typed,
  act,
  answer,
}: Question & { readonly answer: (isYes: boolean) => void }): VNode {
  const [text, setText] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<ApiFailure | undefined>(undefined)
  const id = useId()
  const isReady = (typed === undefined || text.trim() === typed.trim()) && !isBusy
  const confirm = async (event: Event) => {
    event.preventDefault()
    if (!isReady) return
    setIsBusy(true)
    setFailure(undefined)
    try {
      await act?.()
      answer(true)
    } catch (error) {
      setFailure(failureOf(error))
      setIsBusy(false)
    }
  }
  const actions = html`<button type="button" class="button" onClick=${() => answer(false)}>${no}</button>
    <button type="submit" form=${id} class=${`button ${isDangerous ? 'button-danger' : 'button-primary'}`} disabled=${!isReady}>
      ${isBusy ? 'Working…' : yes}
    </button>`
  return html`<${Dialog} title=${title} onClose=${() => answer(false)} actions=${actions}>
    <form id=${id} class="stack" onSubmit=${confirm}>
      <div class="prose">${body}</div>
      ${
        typed !== undefined &&
        html`<label class="field">
          <span class="field-label">Type <strong class="typed">${typed}</strong> to confirm</span>
          <input class="input" value=${text} autocomplete="off" spellcheck=${false}
            onInput=${(event: InputEvent) => setText((event.target as HTMLInputElement).value)} />
        </label>`
      }
      ${failure && html`<${Failure} failure=${failure} />`}
    </form>
  <//>`
}
