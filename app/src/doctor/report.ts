/** Findings in words, for a person: each subject with a count, each check with what was seen, and below it the next move. No line is
 *  longer than 80 characters; what servers said is shown without the characters that steer a terminal. */
import { wrap } from '../commands/wrap.ts'
import type { FindingStatus, NamedFinding, SubjectReport } from './check.ts'

const statusText = {
  ok: 'ok',
  warning: 'WARNING',
  failed: 'FAILED',
  skipped: 'skipped',
} as const satisfies Record<FindingStatus, string>

export function reportText(reports: readonly SubjectReport[]): string {
  return `${reports.map(subjectText).join('\n\n')}\n`
}

function subjectText({ subject, findings }: SubjectReport): string {
  const counts = (['failed', 'warning', 'ok', 'skipped'] as const).flatMap((status) => {
    const { length } = findings.filter((finding) => finding.status === status)
    return length === 0 ? [] : [`${length} ${status}`]
  })
  const width = Math.max(...findings.map(({ check }) => check.length))
  return [...wrap(`${subject}: ${counts.join(', ')}`, '', '  '), ...findings.flatMap((one) => lines(one, width))].join(
    '\n',
  )
}

function lines({ check, status, seen, fix }: NamedFinding, width: number): readonly string[] {
  const first = `  ${check.padEnd(width)}  ${statusText[status].padEnd(7)}  `
  const further = ' '.repeat(first.length)
  return [...wrap(seen, first, further), ...(fix === undefined ? [] : wrap(`→ ${fix}`, further, `${further}  `))]
}
