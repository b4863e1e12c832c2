/** Counters out of Prometheus' text, summed over the labels nobody asks about. */

export interface Counters {
  /** The sum of the samples that have these labels; undefined when there are none. */
  sum(name: string, labels: Readonly<Record<string, string>>): number | undefined
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Lines that are no samples are passed over. */
export function readCounters(text: string): Counters {
  const samples = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    const [, name, labelText = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', one = '']) => [key, one]),
    )
    const ofName = samples.get(name) ?? []
    ofName.push({ labels, value: Number(value) })
    samples.set(name, ofName)
  }
  return {
    sum(name, wanted) {
      const found = (samples.get(name) ?? []).filter(({ labels }) =>
        Object.entries(wanted).every(([key, value]) => labels[key] === value),
      )
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
    },
  }
}
