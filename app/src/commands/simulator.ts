/** `siem-relay simulator`: the demo's tenant as a server, for a relay in another process or container to collect from, and on
 *  request an Azure to deliver to, which prints what it stored. */
import { join } from 'node:path'
import { parseListen, runProcess } from '@siem-relay/service-kit'
import type { StoredRow } from '@siem-relay/simulator'
import { startDemoAzure } from '../demo/azure.ts'
import { startTenant, tenantToken } from '../demo/tenant.ts'
import { Printer } from '../receiver/printer.ts'
import type { Terminal } from '../terminal.ts'

export interface SimulatorOptions {
  readonly listen: string
  readonly data?: string
  /** Where Entra and the Logs Ingestion API answer; default: not at all. */
  readonly azure?: string
  readonly azureRule?: string
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

/** One row a line, with what Azure would have left out of it. An upload is answered when its rows are printed: a slow reader
 *  slows the sender instead of filling the memory. */
function showRows(terminal: Terminal): (rows: readonly StoredRow[]) => Promise<void> {
  // A closed pipe shows in the callback of a write; unhandled, its event would end the process with a stack.
  terminal.stdout.on('error', () => undefined)
  const printer = new Printer(terminal.stdout)
  return (rows) => printer.print(rows.map(lineOf)).catch(() => undefined)
}

function lineOf({ table, row, droppedColumns, nulledColumns, truncatedColumns, isTimeClamped }: StoredRow): Buffer {
  const columns = { droppedColumns, nulledColumns, truncatedColumns }
  const losses = Object.fromEntries(Object.entries(columns).filter(([, names]) => names.length > 0))
  return Buffer.from(JSON.stringify({ table, row, ...losses, ...(isTimeClamped && { isTimeClamped }) }))
}
