/** `siem-relay simulator`: the demo's tenant as a server, for a relay in another process or container to collect from, and on
 *  request an Azure to deliver to, which prints what it stored. */
import { join } from 'node:path'
import { parseListen, runProcess } from '@siem-relay/service-kit'
import { startDemoAzure } from '../demo/azure.ts'
import { showRows } from '../demo/azure-rows.ts'
import { fillDiscovery } from '../demo/discovery.ts'
import { startTenant, tenantToken } from '../demo/tenant.ts'
import type { Terminal } from '../terminal.ts'

export interface SimulatorOptions {
  readonly listen: string
  readonly data?: string
  /** Where Entra and the Logs Ingestion API answer; default: not at all. */
  readonly azure?: string
  readonly azureRule?: string
  /** Where files of what Cloud Discovery saw appear; default: nowhere. */
  readonly discovery?: string
}

export async function simulator(options: SimulatorOptions, terminal: Terminal): Promise<void> {
  const directory = options.data ?? join(terminal.cwd, 'data', 'simulator')
  const note = (sentence: string): void => {
    terminal.stderr.write(`siem-relay simulator: ${sentence}\n`)
  }
  const code = await runProcess({
    start: async () => {
      await using opened = new AsyncDisposableStack()
      const listen = parseListen(options.listen)
      const tenant = opened.use(await startTenant({ directory, listen, nowMs: () => Date.now() }))
      note(`${tenant.url} with the API token ${tenantToken}. Ctrl-C stops.`)
      if (options.discovery !== undefined)
        opened.defer(fillDiscovery({ directory: options.discovery, startMs: tenant.startMs, nowMs: () => Date.now() }))
      if (options.azure !== undefined) {
        const { azure, agentExample } = await startDemoAzure({
          directory,
          listen: parseListen(options.azure),
          ruleFile: options.azureRule,
          onStored: showRows(terminal),
        })
        opened.use(azure)
        note(`Azure at ${azure.endpoint}; stored rows follow on standard output. An agent for it:\n\n${agentExample}`)
      }
      const running = opened.move()
      return {
        failed: new Promise<never>(() => {}),
        stop: () => running.disposeAsync(),
        [Symbol.asyncDispose]: () => running.disposeAsync(),
      }
    },
  })
  terminal.setExitCode(code)
}
