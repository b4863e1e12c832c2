import { agentSchema, RelayError } from '@siem-relay/common'
import { FakeBus } from '@siem-relay/delivery/testing'
import { testWorld } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { start } from './start.ts'
import { Receiver } from './testing/receiver.ts'
import { cefLine, cefLines, eventually, startSender } from './testing/sender.ts'

const configOf = (agent: object) => ({ agents: [agentSchema.parse(agent)] })

describe('messages that cannot be sent', () => {
  test('go to the dead letters with their reason, and the rest goes on in order', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port } })
    const tooLong = `CEF:0|${'x'.repeat(8_192)}`
    const given = [
      cefLine(0),
      'no CEF',
      cefLine(1),
      'CEF:0|a\nCEF:0|forged',
      cefLine(2),
      'CEF:0|\r',
      'CEF:0|\0',
      tooLong,
    ]
    await sender.give([...given, cefLine(3), ''])
    await sender.running.stop(5_000)
    expect(receiver.lines).toEqual([cefLine(0), cefLine(1), cefLine(2), cefLine(3)])
    const letters = sender.bus.partition('siem').deadLetters
    expect(letters.map(({ record }) => record.offset)).toEqual([1, 3, 5, 6, 7, 9])
    expect(letters.map(({ letter }) => letter.headers.code)).toEqual([
      'RELAY_RECORD_INVALID',
      'RELAY_RECORD_INVALID',
      'RELAY_RECORD_INVALID',
      'RELAY_RECORD_INVALID',
      'RELAY_FRAME_TOO_LARGE',
      'RELAY_RECORD_INVALID',
    ])
    expect(sender.committed()).toBe(10)
    expect(
      await sender.metric('siem_relay_records_dead_lettered_total', {
        stage: 'syslog-sender',
        code: 'RELAY_RECORD_INVALID',
      }),
    ).toBe(5)
    expect(await sender.metric('siem_relay_messages_delivered_total')).toBe(4)
  })

  test('a letter holds the record as it was, its headers, and where it came from', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port } })
    await sender.give(['not CEF'])
    expect(sender.bus.partition('siem').deadLetters[0]?.letter).toEqual({
      topic: 'dead-letters',
      key: 'id-0',
      value: Buffer.from('not CEF'),
      headers: {
        'event-time-ms': '1677791402022',
        severity: '3',
        kind: 'alert',
        stage: 'syslog-sender',
        agent: 'siem',
        code: 'RELAY_RECORD_INVALID',
        reason: 'message out.siem/0/0 does not start with CEF:; it went to dead-letters',
        attempts: '1',
        'origin-topic': 'out.siem',
        'origin-partition': '0',
        'origin-offset': '0',
      },
    })
  })

  test('the limit counts the header and not the framing', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, messageBytesMax: 480 } })
    const header = '<166>2023-03-02T21:10:02.022Z relay-host '
    const line = (bytes: number): string => `CEF:${'x'.repeat(bytes - header.length - 4)}`
    await sender.give([line(480), line(481)])
    await sender.running.stop(5_000)
    expect(receiver.messages.map(({ length }) => length)).toEqual([480])
    expect(sender.bus.partition('siem').deadLetters).toHaveLength(1)
  })
})

describe('a partition that is taken away', () => {
  test('sends nothing more of what was waiting, and acknowledges nothing', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, messagesPerSecondMax: 10 } })
    await sender.give(cefLines(30))
    await eventually(() => expect(receiver.lines.length).toBeGreaterThan(0))
    sender.bus.partition('siem').revoke()
    await sender.running.stop(5_000)
    expect(receiver.lines.length).toBeLessThan(30)
    expect(sender.committed()).toBe(0)
  })
})

describe('start', () => {
  const world = () => testWorld({ bus: new FakeBus() })
  const agent = { id: 'siem', syslog: { host: '127.0.0.1', port: 514 } }

  test('leaves agents alone that are not enabled', async () => {
    const config = configOf({ ...agent, enabled: false })
    const running = await start(config, world())
    expect(running.status()).toEqual([])
    await running.stop(0)
  })

  test('refuses tcp-ack where the kernel does not show its queues', async () => {
    const config = configOf({ ...agent, syslog: { ...agent.syslog, confirm: 'tcp-ack' } })
    const readText = async () => Promise.reject(new Error('ENOENT'))
    await expect(start(config, world(), { tuning: { readText } })).rejects.toThrow(
      'agent siem: confirm: tcp-ack needs Linux and a readable /proc/self/net/tcp; use confirm: checkpoint',
    )
  })

  test('refuses a console agent without an output', async () => {
    const config = configOf({ id: 'console', console: true })
    await expect(start(config, world())).rejects.toThrow(RelayError)
  })

  test('warns of confirm: write and of unverified TLS', async () => {
    const syslog = { ...agent.syslog, protocol: 'tls', confirm: 'write', tls: { verify: false } }
    const ours = world()
    const running = await start(configOf({ ...agent, syslog }), ours)
    await running.stop(0)
    expect(ours.entries.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([expect.stringContaining('confirm: write'), expect.stringContaining('tls.verify: false')]),
    )
  })

  test('is ready while a receiver is away: that is a status, not unreadiness', async () => {
    const ours = world()
    const running = await start(configOf(agent), ours)
    expect(ours.health.report()).toMatchObject({ isReady: true })
    await running.stop(0)
  })

  test('fails when the bus cannot go on', async () => {
    const bus = new FakeBus()
    const running = await start(configOf(agent), testWorld({ bus }))
    bus.failWorkers(new RelayError('RELAY_BUS_CLOSED', 'the log was closed'))
    await expect(running.failed).rejects.toThrow('the log was closed')
    await running.stop(0)
  })
})

describe('status', () => {
  test('goes from created over error to connected, and is published under agent and instance', async () => {
    const first = await Receiver.start()
    const { port } = first
    await first.close()
    await using sender = await startSender({ syslog: { port } })
    expect(sender.status()).toMatchObject({
      agent: 'siem',
      instance: 'test-1',
      state: 'created',
      lastConnectedMs: undefined,
    })
    await eventually(() => expect(sender.status().state).toBe('error'))
    await using _receiver = await Receiver.start({ port })
    await eventually(() => expect(sender.status()).toMatchObject({ state: 'connected', target: `127.0.0.1:${port}` }))
    // What went wrong last stays to be seen.
    expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_UNREACHABLE')
    await sender.running.stop(0)
    expect(sender.bus.statuses.get('siem/test-1')).toMatchObject({ agent: 'siem', state: 'connected' })
  })
})

test('transit is counted from the collector’s receipt on; a message that does not tell it is left out', async () => {
  await using receiver = await Receiver.start()
  await using sender = await startSender({ syslog: { port: receiver.port } })
  const partition = sender.bus.partition('siem')
  await partition.give([cefLine(0)], { 'received-ms': String(Date.now() - 3_000), kind: 'activity' })
  await partition.give([cefLine(1)], { kind: 'activity' })
  await sender.running.stop(5_000)
  const name = 'siem_relay_transit_seconds'
  expect(await sender.metric(name, { agent: 'siem', kind: 'activities', le: '+Inf' })).toBe(1)
  expect(await sender.metric(name, { agent: 'siem', kind: 'activities', le: '2' })).toBe(0)
})

test('end-to-end delay is counted by kind, and negative ones are left out', async () => {
  await using receiver = await Receiver.start()
  await using sender = await startSender({ syslog: { port: receiver.port } })
  const headers = (ms: number, kind: string) => ({ 'event-time-ms': String(ms), kind })
  const partition = sender.bus.partition('siem')
  await partition.give([cefLine(0)], headers(Date.now() - 3_000, 'alert'))
  await partition.give([cefLine(1)], headers(Date.now() + 60_000, 'alert'))
  await partition.give([cefLine(2)], headers(Date.now() - 3_000, 'something else'))
  await partition.give([cefLine(3)], { kind: 'activity' })
  await sender.running.stop(5_000)
  const name = 'siem_relay_end_to_end_delay_seconds'
  expect(await sender.metric(name, { agent: 'siem', kind: 'alerts', le: '+Inf' })).toBe(1)
  expect(await sender.metric(name, { kind: 'alerts', le: '+Inf' })).toBe(1)
  expect(await sender.metric(name, { kind: 'alerts', le: '2' })).toBe(0)
  expect(await sender.metric(name, { kind: 'other', le: '+Inf' })).toBe(1)
  expect(await sender.metric(name, { kind: 'activities', le: '+Inf' })).toBe(0)
})
