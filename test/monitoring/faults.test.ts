/** For each alert a real fault raises it and its end clears it, and each panel of the dashboards shows something: on a real Prometheus
 *  that asks a really running relay, in an hour of 40 seconds. Faults of different things run side by side. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGenerator } from '@siem-relay/simulator'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { during, type Watch, waiting, watch } from '../support/alerts.ts'
import { damageLatest } from '../support/damage.ts'
import { asked, choices, numbersOf, targets } from '../support/dashboards.ts'
import { agentIds, intakeToken, type Monitored, startMonitored } from '../support/monitored.ts'
import { type Prometheus, startPrometheus } from '../support/prometheus.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/relay.ts'

const root = join(import.meta.dirname, '..', '..')
const factor = 90
/** A week of retention is 20 seconds. */
const retentionFactor = 30_240
const megabyte = 1_048_576
const diskBytes = 96 * megabyte
/** The floor is 8 MB, so DiskLow begins at 12. */
const floorBytes = 8 * megabyte
/** The one user that filters cannot compare, in lower case as they compare names. */
const unfilterableUser = 'unfilterable@contoso.com'
/** Of a list that goes on without end; enough for the source to give it up. */
const endlessPages = 5

let directory: TemporaryDirectory
let disk: string
let stack: Monitored
let prometheus: Prometheus
let alerts: Watch

beforeAll(async () => {
  directory = temporaryDirectory()
  disk = join(directory.path, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk])
  stack = await startMonitored({
    directory: directory.path,
    bus: { path: join(disk, 'log'), freeBytesMin: floorBytes },
    env: {
      NODE_OPTIONS: `--import=${new URL('../support/defective-filter.ts', import.meta.url)}`,
      UNFILTERABLE_USER: unfilterableUser,
    },
  })
  prometheus = await startPrometheus({
    directory: join(directory.path, 'prometheus'),
    jobs: { 'siem-relay': [new URL(stack.relay.adminUrl).host] },
    factor,
    retentionFactor,
  })
  alerts = watch(prometheus)
})

afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]()
  await stack?.[Symbol.asyncDispose]()
  execFileSync('umount', ['-l', disk])
  directory[Symbol.dispose]()
})

const fires: Watch['fires'] = (...args) => alerts.fires(...args)
const ends: Watch['ends'] = (...args) => alerts.ends(...args)
const reaches: Watch['reaches'] = (...args) => alerts.reaches(...args)

test('all is well: every rule works, and no alert is raised while records are delivered', async () => {
  stack.contoso.add(100)
  stack.fabrikam.add(100)
  const count = stack.contoso.ids.length + stack.fabrikam.ids.length
  for (const agent of agentIds)
    await reaches(`siem_relay_messages_delivered_total{agent="${agent}"}`, (value) => value >= count)
  await reaches('count(agent:siem_relay_records_unaccounted:sum == 0)', (agents) => agents === agentIds.length)
  const rules = await prometheus.rules()
  expect(rules.length).toBeGreaterThan(25)
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
  expect((await prometheus.alerts()).filter(({ state }) => state === 'firing')).toEqual([])
})

test('a configuration that is wrong: ConfigReloadFailed', async () => {
  stack.relay.configure('agents: [{ id: siem, sylog: {} }]')
  await fires('ConfigReloadFailed')
  stack.configure({})
  await ends('ConfigReloadFailed')
})

describe.concurrent('faults of one thing', () => {
  test('a source that fails, asks to slow down, and refuses: SourceFailing, CheckpointStale, ThrottledTooLong, SourceRefused', async () => {
    const { faults } = stack.contoso.simulator
    const contoso = { source: 'contoso' }
    faults.add({ type: 'server-error' }, { times: Number.POSITIVE_INFINITY })
    await Promise.all([fires('SourceFailing', contoso), fires('CheckpointStale', contoso)])
    faults.clear()
    // Somebody mended it: the source begins again, without what is left of its pause.
    stack.configure({ contoso: { pollSeconds: 1.1 } })
    await Promise.all([ends('SourceFailing', contoso), ends('CheckpointStale', contoso)])

    faults.add({ type: 'throttle', retryAfter: { seconds: 1 } }, { times: Number.POSITIVE_INFINITY })
    await fires('ThrottledTooLong', contoso)
    faults.clear()
    await ends('ThrottledTooLong', contoso)

    faults.add({ type: 'forbidden' }, { times: Number.POSITIVE_INFINITY })
    await fires('SourceRefused', contoso)
    faults.clear()
    stack.configure({ contoso: { pollSeconds: 1.2 } })
    await ends('SourceRefused', contoso)
    await ends('CheckpointStale', contoso)
  })

  test('a receiver that goes away, and a disk that damages what waits for it: SinkDown, DeliveryDelayed, RetentionHalfUsed, LagGrowing, LogCorrupt, BalanceBroken', async () => {
    const siem = { agent: 'siem', stage: 'sender' }
    // The balance is compared with one that is an hour old.
    await reaches('agent:siem_relay_records_unaccounted:sum{agent="siem"} offset 40s', () => true)
    await stack.stopReceiver()
    await during(
      () => stack.fabrikam.add(200),
      1_000,
      async () => {
        await Promise.all([
          fires('SinkDown', { agent: 'siem' }),
          fires('DeliveryDelayed', siem),
          fires('RetentionHalfUsed', siem),
          fires('LagGrowing', siem),
        ])
      },
    )
    // Nothing of the damaged batches is in memory: the sender is away while the disk does its work.
    stack.configure({ siem: { enabled: false } })
    await vi.waitFor(async () => {
      const text = await (await fetch(`${stack.relay.adminUrl}/metrics`)).text()
      expect(text).not.toMatch(/siem_relay_sink_up\{agent="siem"\}/)
    }, waiting)
    expect(damageLatest(join(disk, 'log'), 'out.siem', 3)).toBe(3)
    await stack.startReceiver()
    stack.configure({ siem: { enabled: true } })
    await Promise.all(
      ['SinkDown', 'DeliveryDelayed', 'RetentionHalfUsed', 'LagGrowing'].map((name) => ends(name, { agent: 'siem' })),
    )
    await Promise.all([fires('LogCorrupt'), fires('BalanceBroken', { agent: 'siem' })])
    expect(await alerts.alertsOf('BalanceBroken', { agent: 'secure' })).toEqual([])
    await Promise.all([ends('LogCorrupt'), ends('BalanceBroken')])
  })

  test('rows that Azure refuses: DeadLetters', async () => {
    const sentinel = { agent: 'sentinel', code: 'RELAY_SENTINEL_ROW' }
    const poison = stack.azure.faults.add({ type: 'poison', row: () => true }, { times: 60 })
    stack.fabrikam.add(3)
    await fires('DeadLetters', sentinel)
    poison.remove()
    await ends('DeadLetters', sentinel)
  })

  test('a receiver whose certificate ends in two days: CertificateExpiring', async () => {
    const secure = { agent: 'secure', holder: 'receiver' }
    stack.renewCertificate(2)
    await during(
      () => stack.fabrikam.add(1),
      2_000,
      async () => {
        await fires('CertificateExpiring', secure)
        stack.renewCertificate(400)
        await ends('CertificateExpiring', secure)
      },
    )
  })

  test('a source that shows nothing, contradicts itself and fails, then shows what is an hour old: NoEventsReceived, SourceIncomplete, EndToEndDelayHigh', async () => {
    const { simulator } = stack.tailspin
    const tailspin = { source: 'tailspin' }
    const generator = createGenerator(4)
    const addLate = (): void => {
      const nowMs = Date.now()
      for (let count = 0; count < 40; count++) simulator.store.addActivity(generator.activity(nowMs - 3_600_000, nowMs))
    }
    addLate()
    await reaches('siem_relay_records_received_total{source="tailspin"}', (records) => records === 40)
    simulator.faults.add({ type: 'endless' }, { route: 'activities', times: endlessPages })
    simulator.faults.add({ type: 'server-error' }, { route: 'activities', times: Number.POSITIVE_INFINITY })
    await Promise.all([fires('SourceIncomplete', { ...tailspin, state: 'open' }), fires('NoEventsReceived', tailspin)])
    simulator.faults.clear()
    // Somebody mended it: the source begins again, without what is left of its pause.
    stack.configure({ tailspin: { pollSeconds: 1.1 } })
    await ends('SourceIncomplete', tailspin)
    await during(addLate, 1_000, () =>
      Promise.all([ends('NoEventsReceived', tailspin), fires('EndToEndDelayHigh', { kind: 'activities' })]).then(
        () => {},
      ),
    )
    await during(
      () => stack.fabrikam.add(1),
      1_000,
      () => ends('EndToEndDelayHigh'),
    )
  })

  test('a load balancer that cuts connections before messages are confirmed: ResendingMessages', async () => {
    const balanced = { agent: 'balanced' }
    await during(
      () => stack.balancer.cut(),
      700,
      () =>
        during(
          () => stack.fabrikam.add(10),
          300,
          () => fires('ResendingMessages', balanced),
        ),
    )
    await ends('ResendingMessages', balanced)
  })

  test('a UDP port nobody listens at: UdpRefused', async () => {
    const plain = { agent: 'plain' }
    await stack.stopUdp()
    await during(
      () => stack.fabrikam.add(1),
      300,
      () => fires('UdpRefused', plain),
    )
    await stack.startUdp()
    await ends('UdpRefused', plain)
  })

  test('a filter that cannot be evaluated: FilterErrors, and the record is let through', async () => {
    const nowMs = Date.now()
    const record = createGenerator(5).activity(nowMs, nowMs)
    const user = { ...Object(record.user), userName: unfilterableUser }
    stack.fabrikam.simulator.store.addActivity({ ...record, user })
    await fires('FilterErrors', { agent: 'balanced' })
    await stack.balanced.until((messages) => messages.some((message) => message.includes(unfilterableUser)))
    await ends('FilterErrors')
  })

  test('rows handed in, good and bad, are counted', async () => {
    const said = stack.relay.log.map((line) => /"(http:\/\/127\.0\.0\.1:\d+)[^"]*"/.exec(line)?.[1]).find(Boolean)
    expect(said).toBeDefined()
    const post = (body: string) =>
      fetch(`${said}/v1/discovery`, {
        method: 'POST',
        headers: { authorization: `Bearer ${intakeToken}`, 'content-type': 'application/x-ndjson' },
        body,
      })
    await post('{"TimeGenerated":"2026-07-23T11:00:35Z","AppName":"Box"}\nno row\n')
    await reaches('sum(siem_relay_intake_rows_total)', (rows) => rows >= 1)
  })
})

test('a disk that fills up: DiskLow, then IntakeClosed', async () => {
  const ballast = join(disk, 'ballast')
  const fill = (leaveBytes: number): void => {
    rmSync(ballast, { force: true })
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - leaveBytes))
  }
  fill(10 * megabyte)
  await fires('DiskLow')
  expect(await alerts.alertsOf('IntakeClosed')).toEqual([])
  fill(2 * megabyte)
  await fires('IntakeClosed')
  rmSync(ballast)
  await Promise.all([ends('DiskLow'), ends('IntakeClosed')])
})

test('a process that is killed: ServiceDown', async () => {
  await stack.relay.kill('SIGKILL')
  await fires('ServiceDown')
  await stack.restart()
  await ends('ServiceDown')
})

test('every alert was raised by a fault', () => {
  const names = readFileSync(join(root, 'monitoring/prometheus/rules/siem-relay.yml'), 'utf8')
    .matchAll(/- alert: (\w+)/g)
    .map((match) => match[1] ?? '')
  // A service that is missing among others needs several processes on one log: test/kafka/monitoring.test.ts.
  expect([...names].filter((name) => !alerts.raised.has(name))).toEqual(['ServiceMissing'])
})

describe('dashboards', () => {
  test('nothing is left for Grafana to put in', () => {
    expect(targets.length).toBeGreaterThan(60)
    expect(targets.filter(([, expr]) => asked(expr).includes('$'))).toEqual([])
  })

  test.each(choices)('%s has something to choose from', async (definition) => {
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? []
    const series = await prometheus.queryRange(asked(selector))
    expect(series.length).toBeGreaterThan(0)
    expect(series.filter(({ metric }) => metric[label] === undefined)).toEqual([])
  })

  // A group of Kafka's has partitions: test/kafka/monitoring.test.ts.
  const here = targets.filter(([panel]) => panel !== 'siem-relay: lag / Partitions assigned')

  test.each(here)('%s shows something', async (_, expr) => {
    expect((await numbersOf(prometheus, expr)).length).toBeGreaterThan(0)
  })
})
