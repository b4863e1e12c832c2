/** The readiness checks of a process. Services register theirs; admin.ts answers probes with the report. */
import { describeError } from '@siem-relay/common'
import type { HealthRegistry, ReadinessCheck } from './world.ts'

export interface HealthReport {
  readonly isReady: boolean
  /** In the order of registration; `reason` is why a check fails. */
  readonly checks: readonly { readonly name: string; readonly reason: string | undefined }[]
}

export type Health = HealthRegistry & { report(): HealthReport }

/** A registry without checks is ready. A check that throws fails, with its error as the reason. */
export function createHealth(): Health {
  const registered = new Set<{ readonly name: string; readonly check: ReadinessCheck }>()
  return {
    register(name, check) {
      const entry = { name, check }
      registered.add(entry)
      return () => registered.delete(entry)
    },
    report() {
      const checks = [...registered].map(({ name, check }) => ({ name, reason: reasonOf(check) }))
      return { isReady: checks.every(({ reason }) => reason === undefined), checks }
    },
  }
}

function reasonOf(check: ReadinessCheck): string | undefined {
  try {
    return check()
  } catch (error) {
    return `the check failed: ${describeError(error)}`
  }
}
