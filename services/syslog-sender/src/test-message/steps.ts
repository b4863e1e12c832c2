/** What a test message found out, step by step, in words for the person at the portal. */
import type { Clock } from '@siem-relay/common'

export const stepNames = ['settings', 'dns', 'connect', 'tls', 'send', 'confirm'] as const
export type StepName = (typeof stepNames)[number]

export interface TestStep {
  name: StepName
  outcome: 'ok' | 'warning' | 'failed' | 'skipped'
  ms?: number
  /** What was seen; never what the other side said. */
  seen: string
  fix?: string
}

export interface TestMessageReport {
  ok: boolean
  line: string
  bytes: number
  steps: TestStep[]
}

export interface Finding {
  readonly outcome: TestStep['outcome']
  readonly seen: string
  readonly fix?: string | undefined
}

/** Ends the test: the step under way failed. */
export class StepFailure extends Error {
  readonly finding: Finding

  constructor(seen: string, fix: string) {
    super(seen)
    this.finding = { outcome: 'failed', seen, fix }
  }
}

export class Steps {
  readonly all: TestStep[] = []
  readonly #clock: Clock
  #fromMs: number
  #current: StepName = 'settings'

  constructor(clock: Clock) {
    this.#clock = clock
    this.#fromMs = clock.monotonicMs()
  }

  /** The step under way: what fails from now on failed in it. */
  get current(): StepName {
    return this.#current
  }

  begin(name: StepName): void {
    this.#current = name
    this.#fromMs = this.#clock.monotonicMs()
  }

  end({ outcome, seen, fix }: Finding): void {
    const ms = Math.round(this.#clock.monotonicMs() - this.#fromMs)
    this.all.push({
      name: this.#current,
      outcome,
      ...(outcome === 'skipped' ? {} : { ms }),
      seen,
      ...(fix === undefined ? {} : { fix }),
    })
  }

  ok(seen: string): void {
    this.end({ outcome: 'ok', seen })
  }
}
