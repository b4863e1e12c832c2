/** Alerts of a real Prometheus, waited for: raised, and cleared. */
import { expect, vi } from 'vitest'
import type { Alert, Prometheus } from './prometheus.ts'

type Labels = Readonly<Record<string, string>>

export interface Watch {
  /** Names of alerts that fired while they were waited for. */
  readonly raised: ReadonlySet<string>
  alertsOf(name: string, labels?: Labels): Promise<readonly Alert[]>
  fires(name: string, labels?: Labels): Promise<void>
  ends(name: string, labels?: Labels): Promise<void>
  /** Waits until the sum over a query's series is enough. */
  reaches(expr: string, enough: (value: number) => boolean): Promise<void>
}

export const waiting = { timeout: 120_000, interval: 200 }

const has = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([label, value]) => labels[label] === value)

export function watch(prometheus: Prometheus): Watch {
  const raised = new Set<string>()
  const alertsOf: Watch['alertsOf'] = async (name, labels = {}) =>
    (await prometheus.alerts()).filter((alert) => has(alert.labels, { alertname: name, ...labels }))
  return {
    raised,
    alertsOf,
    fires: async (name, labels) => {
      await vi.waitFor(
        async () =>
          expect(
            (await alertsOf(name, labels)).map(({ state }) => state),
            `${name} is raised`,
          ).toContain('firing'),
        waiting,
      )
      raised.add(name)
    },
    ends: async (name, labels) => {
      await vi.waitFor(async () => expect(await alertsOf(name, labels), `${name} is cleared`).toEqual([]), waiting)
    },
    reaches: async (expr, enough) => {
      await vi.waitFor(async () => {
        const sum = (await prometheus.query(expr)).reduce((total, { value }) => total + Number(value[1]), 0)
        expect(enough(sum), expr).toBe(true)
      }, waiting)
    },
  }
}

/** Does something again and again until the work is done. */
export async function during(act: () => void, everyMs: number, work: () => Promise<void>): Promise<void> {
  act()
  const timer = setInterval(act, everyMs)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
}
