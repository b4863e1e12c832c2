import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { counter, createMetrics, gauge, histogram } from './metrics.ts'

const received = { name: 'siem_relay_events_received_total', help: 'Events received.', labels: ['source'] } as const

describe('createMetrics', () => {
  test("has Node's metrics under their usual names and the build", async () => {
    const text = await createMetrics({ version: '1.2.3', revision: 'abc' }).metrics()
    expect(text).toContain('process_resident_memory_bytes')
    expect(text).toContain('nodejs_eventloop_lag_seconds')
    expect(text).toContain('siem_relay_build_info{version="1.2.3",revision="abc"} 1')
  })

  test('two registries in one process do not meet', () => {
    createMetrics({ version: '1' })
    expect(() => createMetrics({ version: '1' })).not.toThrow()
  })
})

describe('counter', () => {
  test('services that ask for the same name share one metric', async () => {
    const registry = new Registry()
    counter(registry, received).inc({ source: 'contoso' })
    counter(registry, received).inc({ source: 'contoso' }, 2)
    expect(await registry.metrics()).toContain('siem_relay_events_received_total{source="contoso"} 3')
  })

  test('the same name with other labels is refused', () => {
    const registry = new Registry()
    counter(registry, received)
    expect(() => counter(registry, { ...received, labels: ['agent'] })).toThrow('with the labels source')
  })

  test('the same name of another kind is refused', () => {
    const registry = new Registry()
    counter(registry, received)
    expect(() => gauge(registry, received)).toThrow('another kind')
  })

  test('a name without the prefix or _total is refused', () => {
    const registry = new Registry()
    expect(() => counter(registry, { name: 'siem_relay_events', help: 'x' })).toThrow('_total')
    expect(() => counter(registry, { name: 'events_total', help: 'x' })).toThrow('siem_relay_')
  })

  test('label values cannot start a line of their own', async () => {
    const registry = new Registry()
    counter(registry, received).inc({ source: 'a"\nsiem_relay_fake_total 1' })
    const lines = (await registry.metrics()).split('\n')
    expect(lines.filter((line) => line.startsWith('siem_relay_fake_total'))).toEqual([])
  })
})

describe('gauge and histogram', () => {
  test('a gauge can be set at the moment of the scrape', async () => {
    const registry = new Registry()
    let bytes = 1
    gauge(registry, { name: 'siem_relay_spool_bytes', help: 'Size.', collect: (own) => own.set(bytes) })
    bytes = 7
    expect(await registry.metrics()).toContain('siem_relay_spool_bytes 7')
  })

  test('are shared by name, too', async () => {
    const registry = new Registry()
    const up = { name: 'siem_relay_sink_up', help: 'Connected.', labels: ['agent'] } as const
    gauge(registry, up).set({ agent: 'splunk' }, 1)
    expect(gauge(registry, up)).toBe(gauge(registry, up))
    const duration = { name: 'siem_relay_stage_duration_seconds', help: 'Time.', buckets: [1, 2] }
    histogram(registry, duration).observe(1.5)
    histogram(registry, duration).observe(0.5)
    expect(await registry.metrics()).toContain('siem_relay_stage_duration_seconds_bucket{le="1"} 1')
    expect(await registry.metrics()).toContain('siem_relay_stage_duration_seconds_count 2')
  })
})
