/** What a simulated Azure stored, one row a line, with what Azure would have left out of it. An upload is answered when its rows are
 *  printed: a slow reader slows the sender instead of filling the memory. */
import type { StoredRow } from '@siem-relay/simulator'
import { Printer } from '../receiver/printer.ts'
import type { Terminal } from '../terminal.ts'

export function showRows({ stdout }: Pick<Terminal, 'stdout'>): (rows: readonly StoredRow[]) => Promise<void> {
  // A closed pipe shows in the callback of a write; unhandled, its event would end the process with a stack.
  stdout.on('error', () => undefined)
  const printer = new Printer(stdout)
  return (rows) => printer.print(rows.map(lineOf)).catch(() => undefined)
}

function lineOf({ table, row, droppedColumns, nulledColumns, truncatedColumns, isTimeClamped }: StoredRow): Buffer {
  const columns = { droppedColumns, nulledColumns, truncatedColumns }
  const losses = Object.fromEntries(Object.entries(columns).filter(([, names]) => names.length > 0))
  return Buffer.from(JSON.stringify({ table, row, ...losses, ...(isTimeClamped && { isTimeClamped }) }))
}
