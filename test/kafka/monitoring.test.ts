/** What only several services on one cluster show a Prometheus: how partitions are shared out, and that a service is missing. */
import { join } from 'node:path'
import { describe, expect, inject, test, vi } from 'vitest'
import { Fleet, kafkaLog, type Role } from '../faults/kafka/fleet.ts'
import { startFaultSource } from '../faults/source.ts'
import { waiting, watch } from '../support/alerts.ts'
import { asked, numbersOf, targets } from '../support/dashboards.ts'
import { startPrometheus } from '../support/prometheus.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

const broker = inject('kafka')
const roles: readonly Role[] = ['collector', 'formatter', 'syslog-sender']

describe.skipIf(broker === undefined)('Prometheus beside services on Kafka', { timeout: 180_000 }, () => {
  test('draws every panel of lag, each partition with one instance, and misses a service that is gone: ServiceMissing', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(7)
    await using receiver = await tcpReceiver('octet-counting')
    const syslog = { host: '127.0.0.1', port: receiver.port, framing: 'octet-counting', checkpointSeconds: 0.3 }
    await using fleet = new Fleet(directory.path, kafkaLog({ addresses: [broker as string] }), {
      sources: [source.config],
      agents: [{ id: 'soc', syslog }],
    })
    await fleet.start('collector', 'formatter', 'syslog-sender', 'syslog-sender')
    /** As the name of a service has the addresses of what runs. */
    const running = () =>
      Object.fromEntries(roles.map((role) => [role, fleet.of(role).map(({ adminUrl }) => new URL(adminUrl).host)]))
    await using prometheus = await startPrometheus({
      directory: join(directory.path, 'prometheus'),
      jobs: running(),
      factor: 90,
      retentionFactor: 1,
    })
    const { fires, ends, alertsOf } = watch(prometheus)
    source.add(100)
    await receiver.until((messages) => messages.length >= source.ids.length)

    const lagPanels = targets.filter(([panel]) => panel.startsWith('siem-relay: lag / '))
    const assigned = asked(lagPanels.find(([panel]) => panel.endsWith('/ Partitions assigned'))?.[1] ?? '')
    await vi.waitFor(async () => {
      const shares = await prometheus.query(assigned)
      expect(shares.map(({ metric, value }) => [metric.agent, metric.stage, value[1]]).toSorted()).toEqual([
        ['soc', 'formatter', '4'],
        ['soc', 'sender', '3'],
        ['soc', 'sender', '3'],
      ])
      expect(new Set(shares.map(({ metric }) => metric.instance)).size).toBe(3)
      for (const [panel, expr] of lagPanels)
        expect((await numbersOf(prometheus, expr)).length, panel).toBeGreaterThan(0)
    }, waiting)

    expect(await alertsOf('ServiceMissing')).toEqual([])
    const [formatter] = fleet.of('formatter')
    if (formatter !== undefined) await fleet.kill(formatter)
    prometheus.discover(running())
    await fires('ServiceMissing', { job: 'formatter' })
    await fleet.start('formatter')
    prometheus.discover(running())
    await ends('ServiceMissing')
  })
})
