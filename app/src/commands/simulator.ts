/** `siem-relay simulator`: the demo's tenant as a server, for a relay in another process or container to collect from. */
import { join } from 'node:path'
import { parseListen, runProcess } from '@siem-relay/service-kit'
import { startTenant, tenantToken } from '../demo/tenant.ts'
import type { Terminal } from '../terminal.ts'

export interface SimulatorOptions {
  readonly listen: string
  readonly data?: string
}

export async function simulator({ listen, data }: SimulatorOptions, terminal: Terminal): Promise<void> {
  const code = await runProcess({
    start: async () => {
      const tenant = await startTenant({
        directory: data ?? join(terminal.cwd, 'data', 'simulator'),
        listen: parseListen(listen),
        nowMs: () => Date.now(),
      })
      terminal.stderr.write(`siem-relay simulator: ${tenant.url} with the API token ${tenantToken}. Ctrl-C stops.\n`)
      return {
        failed: new Promise<never>(() => {}),
        stop: () => Promise.resolve(tenant[Symbol.asyncDispose]()),
        [Symbol.asyncDispose]: () => tenant[Symbol.asyncDispose](),
      }
    },
  })
  terminal.setExitCode(code)
}
