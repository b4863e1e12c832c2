/** A panel below its button, in the browser's top layer; a click elsewhere or Escape closes it. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'

const gap = 6

/** Shows a popover under a button, or above it where there is no room, and never beyond the edge of the window. */
export function showBelow(button: HTMLElement | null, panel: HTMLElement | null): void {
  if (button === null || panel === null) return
  panel.showPopover()
  const at = button.getBoundingClientRect()
  const { width, height } = panel.getBoundingClientRect()
  const isBelow = at.bottom + gap + height <= innerHeight
  panel.style.top = `${isBelow ? at.bottom + gap : Math.max(gap, at.top - gap - height)}px`
  panel.style.left = `${Math.max(gap, Math.min(at.left, innerWidth - width - gap))}px`
}

interface PopoverProps {
  readonly label: string
  readonly button: ComponentChildren
  readonly children: ComponentChildren
}

export function Popover({ label, button, children }: PopoverProps): VNode {
  const [isOpen, setIsOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const panel = useRef<HTMLDivElement>(null)
  const id = useId()
  useEffect(() => {
    if (!isOpen) return
    showBelow(opener.current, panel.current)
    panel.current?.querySelector<HTMLElement>('input, button, select')?.focus()
  }, [isOpen])
  const onToggle = (event: ToggleEvent) => {
    if (event.newState === 'closed') setIsOpen(false)
  }
  return html`<button type="button" class="button" ref=${opener} aria-expanded=${isOpen} aria-controls=${isOpen ? id : undefined}
      onClick=${() => setIsOpen(!isOpen)}>${button}</button>
    ${
      isOpen &&
      html`<div id=${id} ref=${panel} class="popover" role="group" aria-label=${label} popover="auto" onToggle=${onToggle}>${children}</div>`
    }`
}
