/** The demo: the simulator as the source and a console agent, so that the relay shows itself without any account. Everything
 *  between the two is the real thing. */
import { type RelayConfig, relayConfigSchema } from '../config/schema.ts'
import { startTenant, tenantToken } from './tenant.ts'

export interface Demo extends AsyncDisposable {
  readonly config: RelayConfig
}

export interface DemoOptions {
  /** Directory of the demo's log; its tenant's life goes on there at the next start. */
  readonly directory: string
  readonly adminListen?: string | undefined
  readonly portalListen?: string | undefined
  readonly nowMs: () => number
}

export async function startDemo({ directory, adminListen, portalListen, nowMs }: DemoOptions): Promise<Demo> {
  const tenant = await startTenant({ directory, nowMs })
  return {
    config: relayConfigSchema.parse(demoConfig(tenant.url, directory, { adminListen, portalListen })),
    [Symbol.asyncDispose]: () => tenant[Symbol.asyncDispose](),
  }
}

function demoConfig(
  url: string,
  directory: string,
  { adminListen, portalListen }: Pick<DemoOptions, 'adminListen' | 'portalListen'>,
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
    ],
    agents: [
      {
        id: 'console',
        name: 'Console',
        console: true,
        // As in the specification's samples: no PRI, no system name.
        header: { pri: false, systemName: false },
      },
    ],
    log: { level: 'warn' },
    ...(adminListen === undefined ? {} : { admin: { listen: adminListen } }),
    ...(portalListen === undefined ? {} : { portal: { listen: portalListen } }),
  }
}
