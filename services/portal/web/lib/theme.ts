/** Light, dark, or as the system says; remembered in this browser. */
import { recall, remember } from './remember.ts'
import { createStore } from './store.ts'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const key = 'theme'

export const theme = createStore<Theme>(themes.find((one) => one === recall(key)) ?? 'system')

export function applyTheme(next: Theme): void {
  if (next === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  remember(key, next)
  theme.set(next)
}
