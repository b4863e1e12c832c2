/** Starts the pages. */
import { html, render } from 'htm/preact'
import { App } from './app.ts'
import { followLinks } from './lib/router.ts'
import { applyTheme, theme } from './lib/theme.ts'

applyTheme(theme.get())
followLinks()
render(html`<${App} />`, document.getElementById('app')!)
