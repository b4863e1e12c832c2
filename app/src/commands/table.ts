/** Rows of cells as lines with columns, for a person; the same on a terminal and in a pipe. */
import { printable } from '@siem-relay/common'

/** Cut to a length, and marked as cut. */
export function clipped(text: string, lengthMax: number): string {
  const clean = printable(text)
  return clean.length <= lengthMax ? clean : `${clean.slice(0, lengthMax - 1)}…`
}

/** @returns a line for each row, without spaces at its end. */
export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
