/** Text to be taken along: a token, a command. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { Icon } from './icons.ts'
import { say } from './toast.ts'

export function Copyable({ text, label }: { readonly text: string; readonly label: string }): VNode {
  const [isCopied, setIsCopied] = useState(false)
  const shown = useRef<HTMLElement>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setIsCopied(true)
      say(`${label} copied`)
    } catch {
      // Without HTTPS browsers keep the clipboard to themselves: select it, so that Ctrl+C takes it.
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current)
      say('Selected: press Ctrl+C to copy')
    }
  }
  return html`<div class="copyable">
    <code ref=${shown} tabindex="0" aria-label=${label}>${text}</code>
    <button type="button" class="button" onClick=${copy} aria-label=${`Copy ${label.toLowerCase()}`}>
      <${Icon} name=${isCopied ? 'check' : 'copy'} />${isCopied ? 'Copied' : 'Copy'}
    </button>
  </div>`
}
