/** A button with a menu below it, moved through with the arrow keys. It stands in the browser's top layer, so that no table cuts it. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Icon, type IconName } from './icons.ts'
import { showBelow } from './popover.ts'

export interface MenuItem {
  readonly label: string
  readonly hint?: string
  readonly icon?: IconName
  readonly isDangerous?: boolean
  readonly isDisabled?: boolean
  readonly onSelect: () => void
}

interface MenuProps {
  /** Read out for the button. */
  readonly label: string
  readonly items: readonly MenuItem[]
  readonly className?: string
  readonly children: ComponentChildren
}

export function Menu({ label, items, className = 'button', children }: MenuProps): VNode {
  const [isOpen, setIsOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  useEffect(() => {
    if (isOpen) open(button.current, list.current)
  }, [isOpen])
  const close = () => {
    setIsOpen(false)
    button.current?.focus()
  }
  const onToggle = (event: ToggleEvent) => {
    if (event.newState === 'closed') setIsOpen(false)
  }
  const onButtonKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown') return
    event.preventDefault()
    setIsOpen(true)
  }
  return html`<span class="menu">
    <button type="button" ref=${button} class=${className} aria-label=${label} aria-haspopup="menu" aria-expanded=${isOpen}
      aria-controls=${isOpen ? id : undefined} onClick=${() => setIsOpen(!isOpen)} onKeyDown=${onButtonKey}>${children}</button>
    ${
      isOpen &&
      html`<div id=${id} ref=${list} class="menu-list" role="menu" aria-label=${label} popover="auto" onToggle=${onToggle}
        onKeyDown=${(event: KeyboardEvent) => moveFocus(event, list.current, close)}>
        ${items.map(
          (
            item,
          ) => html`<button type="button" role="menuitem" tabindex="-1" key=${item.label} aria-disabled=${item.isDisabled ? 'true' : undefined}
            class=${`menu-item${item.isDangerous ? ' menu-danger' : ''}`}
            onClick=${() => {
              if (item.isDisabled) return
              close()
              item.onSelect()
            }}>
            ${item.icon && html`<${Icon} name=${item.icon} />`}
            <span class="menu-text"><span>${item.label}</span>${item.hint && html`<small>${item.hint}</small>`}</span>
          </button>`,
        )}
      </div>`
    }
  </span>`
}

function open(button: HTMLButtonElement | null, list: HTMLDivElement | null): void {
  showBelow(button, list)
  list?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
}

function moveFocus(event: KeyboardEvent, list: HTMLDivElement | null, close: () => void): void {
  const items = [...(list?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
  const at = items.indexOf(document.activeElement as HTMLElement)
  const to = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: -1 }[
    event.key
  ]
  if (to !== undefined) {
    event.preventDefault()
    items.at(to)?.focus()
  } else if (event.key === 'Escape' || event.key === 'Tab') {
    event.preventDefault()
    close()
  } else if (event.key.length === 1) {
    const letter = event.key.toLowerCase()
    items.find((item) => item.textContent?.trim().toLowerCase().startsWith(letter))?.focus()
  }
}
