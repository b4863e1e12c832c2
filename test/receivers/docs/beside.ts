/** What runs beside the commands of the docs: the demo's tenant, a receiver, a relay; or the demo with its portal. */
import { expect } from 'vitest'
import type { Machine, Running } from '../../support/machine.ts'

export const tenantToken = 'demo'.repeat(16)
export const password = 'correct horse battery staple'
export const contoso = {
  id: 'contoso',
  type: 'defender-for-cloud-apps',
  url: 'http://127.0.0.1:8090',
  auth: { type: 'token', token: tenantToken },
  lookback: 'P11000D',
}
/** To `siem-relay receiver`. */
export const soc = {
  id: 'soc',
  syslog: { host: '127.0.0.1', port: 5514, framing: 'octet-counting', checkpointSeconds: 0.3 },
}
export const running = /^Metrics: /m

export function configure(
  machine: Machine,
  { sources = [contoso], agents = [soc], ...more }: Record<string, unknown>,
): void {
  const bus = { path: 'log', freeBytesMin: 16_777_216 }
  machine.write('siem-relay.yaml', JSON.stringify({ bus, sources, agents, ...more }))
}

/** The demo's tenant, a receiver, and a relay between them that has delivered. */
export async function startBeside(machine: Machine, config: object = {}): Promise<Running> {
  configure(machine, { ...config })
  await machine.start('siem-relay simulator').until(/with the API token/)
  const receiver = machine.start('siem-relay receiver')
  await receiver.until(/listens on/)
  const relay = machine.start('siem-relay run')
  await relay.until(running)
  await receiver.until(/CEF:0\|MCAS/)
  return relay
}

/** The demo, with the account ada. @param said what it says of the first account. */
export async function startPortal(machine: Machine, said?: string): Promise<void> {
  const demo = machine.start('npm start')
  const [, token] = await demo.until(/^ {2}http:\/\/127\.0\.0\.1:8080\/setup#token=(\S+)$/m)
  if (said !== undefined) await demo.until(new RegExp(RegExp.escape(said.split('\n')[0] ?? '')))
  const account = JSON.stringify({ token, name: 'ada', password })
  const { code, out } = await machine.run(
    `curl -sf -c ada -H 'content-type: application/json' -d '${account}' http://127.0.0.1:8080/api/v1/setup`,
  )
  expect(code).toBe(0)
  machine.write('csrf', JSON.parse(out).csrfToken)
}

export const asAda = (machine: Machine, path: string, body: object) =>
  machine.run(
    `curl -sf -b ada -H "x-csrf-token: $(cat csrf)" -H 'content-type: application/json' -d '${JSON.stringify(body)}' http://127.0.0.1:8080/api/v1/${path}`,
  )
