/** What a fault run found. */
import type { Findings } from './ledger.ts'

export interface Report {
  readonly name: string
  readonly passed: boolean
  readonly findings?: Findings
  readonly extra?: Readonly<Record<string, unknown>>
}

export function print(report: Report): void {
  const figures = Object.entries({ ...report.findings, ...report.extra }).map(
    ([name, value]) => `${name} ${String(value)}`,
  )
  process.stdout.write(`${report.passed ? 'ok  ' : 'FAIL'} ${report.name}\n     ${figures.join(', ')}\n`)
}
