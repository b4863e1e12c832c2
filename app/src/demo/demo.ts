/** The demo: the simulator as the source, and at the other end a console agent that prints CEF lines, or a simulated Microsoft Sentinel
 *  that shows the rows it stored. It needs no account, and everything between the two ends is the real thing. */

import { join } from 'node:path'
import { allowCidrsDefault } from '@siem-relay/common'
import type { StoredRow } from '@siem-relay/simulator'
import { type RelayConfig, relayConfigSchema } from '../config/schema.ts'
import { startDemoAzure } from './azure.ts'
import { fillDiscovery } from './discovery.ts'
import { startTenant, type Tenant, tenantApplication, tenantToken } from './tenant.ts'

export const demoOutputs = ['cef', 'sentinel'] as const
export type DemoOutput = (typeof demoOutputs)[number]

export interface Demo extends AsyncDisposable {
  readonly config: RelayConfig
}

export interface DemoOptions {
  /** Directory of the demo's log; its tenant's life goes on there at the next start. */
  readonly directory: string
  readonly output: DemoOutput
  readonly adminListen?: string | undefined
  readonly portalListen?: string | undefined
  readonly nowMs: () => number
  /** With `sentinel`: shows what was stored. */
  readonly onStored: (rows: readonly StoredRow[]) => Promise<void>
}

export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { directory, output, nowMs, onStored } = options
  await using opened = new AsyncDisposableStack()
  const tenant = opened.use(await startTenant({ directory, nowMs }))
  const agent = output === 'cef' ? consoleAgent : await sentinelAgent()
  const discovery = join(directory, 'discovery')
  opened.defer(fillDiscovery({ directory: discovery, startMs: tenant.startMs, nowMs }))
  const config = relayConfigSchema.parse(demoConfig(tenant, discovery, agent, options))
  const running = opened.move()
  return { config, [Symbol.asyncDispose]: () => running.disposeAsync() }

  async function sentinelAgent(): Promise<object> {
    const listen = { host: '127.0.0.1', port: 0 }
    const { azure, sentinel } = await startDemoAzure({ directory, listen, ruleFile: undefined, onStored })
    opened.use(azure)
    return { id: 'sentinel', name: 'Microsoft Sentinel', activities: { enabled: true }, sentinel }
  }
}

const consoleAgent = {
  id: 'console',
  name: 'Console',
  console: true,
  // As in the specification's samples: no PRI, no system name.
  header: { pri: false, systemName: false },
}

function demoConfig(
  { url, tokenUrl }: Tenant,
  discovery: string,
  agent: object,
  { directory, adminListen, portalListen }: Pick<DemoOptions, 'directory' | 'adminListen' | 'portalListen'>,
): unknown {
  return {
    bus: { path: directory, freeBytesMin: 67_108_864 },
    sources: [
      {
        id: 'demo',
        type: 'defender-for-cloud-apps',
        url,
        portalUrl: 'https://contoso.portal.cloudappsecurity.com',
        auth: { type: 'token', token: tenantToken },
        // Far enough for the specification's samples of 2017.
        lookback: 'P11000D',
        pollSeconds: 10,
      },
      {
        id: 'demo-identity',
        tenant: 'demo',
        type: 'graph-alerts',
        url,
        auth: { type: 'oauth', ...tenantApplication, tokenUrl },
        pollSeconds: 10,
      },
      { id: 'demo-discovery', tenant: 'demo', type: 'discovery-intake', directory: { path: discovery } },
    ],
    agents: [agent],
    log: { level: 'warn' },
    ...(adminListen === undefined ? {} : { admin: { listen: adminListen } }),
    portal: {
      // Whoever tries the demo has their receiver on this machine.
      allowCidrs: ['127.0.0.0/8', '::1', ...allowCidrsDefault],
      ...(portalListen === undefined ? {} : { listen: portalListen }),
    },
  }
}
