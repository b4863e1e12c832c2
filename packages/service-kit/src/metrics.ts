/** The process's metrics: Node's usual ones and `siem_relay_build_info` here, the services' own through the helpers below.
 *  Serving them is admin.ts. Rules: https://prometheus.io/docs/practices/naming; labels come from closed sets, never from records. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client'

const prefix = 'siem_relay_'

/** Buckets in seconds for requests and stages. */
export const durationBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Buckets in seconds from an event's time to its acceptance by the receiver. */
export const delayBuckets: readonly number[] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200]

export interface MetricSpec<Label extends string> {
  /** Starts with `siem_relay_`; base units; counters end in `_total`. */
  readonly name: string
  /** A sentence for the operator; the metrics reference is made of these. */
  readonly help: string
  readonly labels?: readonly Label[]
}

/** A registry with Node's process metrics under their usual names and `siem_relay_build_info`. One per process. */
export function createMetrics(build: { readonly version: string; readonly revision?: string | undefined }): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  gauge(registry, {
    name: 'siem_relay_build_info',
    help: 'Which build runs; the value is always 1.',
    labels: ['version', 'revision'],
  }).set({ version: build.version, revision: build.revision ?? 'unknown' }, 1)
  return registry
}

export interface CounterSpec<Label extends string> extends MetricSpec<Label> {
  /** Called before every scrape: a count that is kept elsewhere, and only grows. That of the first call counts. */
  readonly read?: () => number
}

/** The counter of this name, made at the first call: several services in one process share it. */
export function counter<const Label extends string = never>(
  registry: Registry,
  spec: CounterSpec<Label>,
): Counter<Label> {
  if (!spec.name.endsWith('_total')) throw new TypeError(`${spec.name}: a counter's name ends in _total`)
  return reuseOr(registry, spec, Counter<Label>, (common) => {
    const { read } = spec
    if (read === undefined) return new Counter<Label>(common)
    const made: Counter<Label> = new Counter<Label>({
      ...common,
      collect: () => {
        made.reset()
        made.inc(read())
      },
    })
    return made
  })
}

export interface GaugeSpec<Label extends string> extends MetricSpec<Label> {
  /** Called before every scrape, to set the gauge then instead of all the time. That of the first call counts. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>
}

/** The gauge of this name, made at the first call. */
export function gauge<const Label extends string = never>(registry: Registry, spec: GaugeSpec<Label>): Gauge<Label> {
  return reuseOr(registry, spec, Gauge<Label>, (common) => {
    const { collect } = spec
    if (collect === undefined) return new Gauge<Label>(common)
    const made: Gauge<Label> = new Gauge<Label>({ ...common, collect: () => collect(made) })
    return made
  })
}

/** The histogram of this name, made at the first call. */
export function histogram<const Label extends string = never>(
  registry: Registry,
  spec: MetricSpec<Label> & { readonly buckets: readonly number[] },
): Histogram<Label> {
  return reuseOr(
    registry,
    spec,
    Histogram<Label>,
    (common) => new Histogram<Label>({ ...common, buckets: [...spec.buckets] }),
  )
}

interface CommonSettings<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: Label[]
  readonly registers: Registry[]
}

function reuseOr<Label extends string, Kind extends Metric<Label>>(
  registry: Registry,
  { name, help, labels = [] }: MetricSpec<Label>,
  kind: new (settings: never) => Kind,
  make: (settings: CommonSettings<Label>) => Kind,
): Kind {
  if (!name.startsWith(prefix)) throw new TypeError(`${name}: metric names start with ${prefix}`)
  const existing: unknown = registry.getSingleMetric(name)
  if (existing === undefined) return make({ name, help, labelNames: [...labels], registers: [registry] })
  if (!(existing instanceof kind)) throw new TypeError(`${name} exists already as another kind of metric`)
  const known = 'labelNames' in existing && Array.isArray(existing.labelNames) ? existing.labelNames : []
  if (known.length !== labels.length || labels.some((label) => !known.includes(label)))
    throw new TypeError(`${name} exists already with the labels ${known.join(', ') || '(none)'}`)
  return existing
}
