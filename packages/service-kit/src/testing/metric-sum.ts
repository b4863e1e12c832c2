import type { Registry } from 'prom-client'

/** What a metric says, over all its series with these labels. @throws {TypeError} when there is no such metric. */
export async function metricSum(
  metrics: Registry,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const metric = (await metrics.getMetricsAsJSON()).find((one) => one.name === name)
  if (metric === undefined) throw new TypeError(`there is no metric ${name}`)
  const wanted = Object.entries(labels)
  return metric.values
    .filter((value) => wanted.every(([label, text]) => (value.labels as Record<string, unknown>)[label] === text))
    .reduce((sum, { value }) => sum + value, 0)
}
