/** A token is shown once: with what to do with it. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Copyable } from '../components/copy.ts'
import { Dialog } from '../components/dialog.ts'
import { Callout } from '../components/states.ts'
import { root } from '../lib/root.ts'

const tokenFile = 'siem-relay-agent.token'

/** What is typed where the receiver is. The token stays out of it: arguments can be seen by everybody on the machine. */
function remoteCommand(): string {
  return `siem-relay agent --portal ${location.origin}${root} --token-file ${tokenFile}`
}

export function TokenPanel({ token }: { readonly token: string }): VNode {
  return html`<div class="stack">
    <${Callout} tone="warn"><p><strong>Copy the token now.</strong> It is shown this once and cannot be read again; a lost one is replaced with${' '}
      <em>Regenerate token</em>.</p><//>
    <div class="field"><span class="field-label">Token</span><${Copyable} text=${token} label="Token" /></div>
    <ol class="howto">
      <li>On a machine in the network of your SIEM, save the token to the file <code>${tokenFile}</code> and let only the agent read it:
        <${Copyable} text=${`umask 077; cat > ${tokenFile}`} label="Save command" /></li>
      <li>Start the agent there. It only connects outwards, to this portal:
        <${Copyable} text=${remoteCommand()} label="Start command" /></li>
      <li>Its status changes to <strong>Connected</strong> once it reaches your receiver.</li>
    </ol>
  </div>`
}

export function TokenDialog({
  name,
  token,
  onClose,
}: {
  readonly name: string
  readonly token: string
  readonly onClose: () => void
}): VNode {
  const actions = html`<button type="button" class="button button-primary" onClick=${onClose}>Done</button>`
  return html`<${Dialog} title=${`New token for ${name}`} size="wide" onClose=${onClose} actions=${actions}>
    <p class="prose">The old token has stopped working.</p>
    <${TokenPanel} token=${token} />
  <//>`
}
