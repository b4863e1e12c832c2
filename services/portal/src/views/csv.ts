/** Lists as CSV (RFC 4180) for spreadsheets. Cells are text others wrote: what a spreadsheet would take for a formula is not one any more. */
import { printable } from '@siem-relay/common'

/** A byte order mark: without it Excel reads UTF-8 as something else. */
export const csvStart = '\ufeff'

/** Characters that begin a formula (OWASP, CSV Injection), also behind spaces, and in their full-width forms. */
const formula = /^\s*[=+\-@|\uff1d\uff0b\uff0d\uff20]/

export type Cell = string | number | readonly string[] | undefined

export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: Cell): string {
  if (cell === undefined) return ''
  // Numbers are ours.
  if (typeof cell === 'number') return String(cell)
  const text = printable(typeof cell === 'string' ? cell : cell.join('; '))
  const harmless = formula.test(text) ? `'${text}` : text
  return /[",;'\r\n\t]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
