/** What a doctor does: checks of a subject, one after another, each with what it saw and what to do about it. Topics bring the
 *  checks; how findings look is report.ts. */
import { describeError, RelayError } from '@siem-relay/common'

export type FindingStatus = 'ok' | 'warning' | 'failed' | 'skipped'

export interface Finding {
  readonly status: FindingStatus
  /** What was seen, or why nothing was; never a secret. */
  readonly seen: string
  /** The next move. */
  readonly fix?: string
}

export interface Check {
  readonly name: string
  /** Checks without which this one would say nothing new: it is skipped when one of them failed or was skipped. */
  readonly needs?: readonly string[]
  run(): Promise<Finding>
}

/** What is examined, and how. */
export interface Subject {
  readonly name: string
  readonly checks: readonly Check[]
}

export interface NamedFinding extends Finding {
  readonly check: string
}

export interface SubjectReport {
  readonly subject: string
  readonly findings: readonly NamedFinding[]
}

/** Runs all checks in their order; one that throws has failed, with the error's own next move. */
export async function examine({ name, checks }: Subject): Promise<SubjectReport> {
  const findings: NamedFinding[] = []
  for (const check of checks) {
    const missing = check.needs?.find((needed) =>
      findings.some((one) => one.check === needed && (one.status === 'failed' || one.status === 'skipped')),
    )
    const finding: Finding =
      missing === undefined ? await run(check) : { status: 'skipped', seen: `not without: ${missing}` }
    findings.push({ check: check.name, ...finding })
  }
  return { subject: name, findings }
}

async function run(check: Check): Promise<Finding> {
  try {
    return await check.run()
  } catch (error) {
    const seen = describeError(error)
    return error instanceof RelayError
      ? { status: 'failed', seen, fix: error.nextMove }
      : { status: 'failed', seen, fix: 'Report this with the version of siem-relay: the check itself broke.' }
  }
}

/** Whether nothing failed. */
export function isWell(reports: readonly SubjectReport[]): boolean {
  return reports.every(({ findings }) => findings.every(({ status }) => status !== 'failed'))
}
