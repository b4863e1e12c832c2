import { createSocket, type Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { type AgentDefinition, agentSchema } from '@siem-relay/common'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { encodeSegment } from './encoder.ts'
import type { Feed, Segment } from './segment.ts'
import { Targets } from './targets.ts'
import { cefLine, cefLines, eventually, startSender } from './testing/sender.ts'
import { UdpTransport } from './transports/udp.ts'
import { defaultTuning } from './tuning.ts'
import { Window } from './window.ts'

interface UdpReceiver extends AsyncDisposable {
  readonly port: number
  readonly datagrams: string[]
}

async function startUdpReceiver(port = 0): Promise<UdpReceiver> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 })
  const datagrams: string[] = []
  socket.on('message', (message) => datagrams.push(message.toString()))
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()))
  return { port: socket.address().port, datagrams, [Symbol.asyncDispose]: close }
}

describe('UDP', () => {
  test('sends one message per datagram, without framing', async () => {
    await using receiver = await startUdpReceiver()
    await using sender = await startSender({ syslog: { port: receiver.port, protocol: 'udp' } })
    await sender.give(cefLines(20))
    await eventually(() => expect(receiver.datagrams).toHaveLength(20))
    expect(receiver.datagrams.map((text) => text.slice(text.indexOf('CEF:')))).toEqual(cefLines(20))
    expect(receiver.datagrams[0]).toBe(`<166>2023-03-02T21:10:02.022Z relay-host ${cefLine(0)}`)
    await eventually(() => expect(sender.committed()).toBe(20))
  })

  test('goes on by itself until everything waiting is sent', async () => {
    await using receiver = await startUdpReceiver()
    const syslog = { port: receiver.port, protocol: 'udp' as const, messagesPerSecondMax: 10_000 }
    await using sender = await startSender({ syslog })
    await sender.give(cefLines(1_500))
    await eventually(() => expect(receiver.datagrams).toHaveLength(1_500))
    await eventually(() => expect(sender.committed()).toBe(1_500))
  })

  test('counts refusals, shows them, pauses, and recovers by itself', async () => {
    const gone = await startUdpReceiver()
    const { port } = gone
    await gone[Symbol.asyncDispose]()
    await using sender = await startSender({ syslog: { port, protocol: 'udp', messagesPerSecondMax: 200 } })
    void sender.give(cefLines(2_000))
    await eventually(() => expect(sender.status().state).toBe('error'))
    expect(sender.status().lastError).toMatchObject({
      code: 'RELAY_RECEIVER_UNREACHABLE',
      message: expect.stringContaining('nobody listens at the UDP port'),
    })
    expect(await sender.metric('siem_relay_udp_refused_total')).toBeGreaterThan(0)
    await using receiver = await startUdpReceiver(port)
    await eventually(() => expect(receiver.datagrams.length).toBeGreaterThan(0))
    await eventually(() => expect(sender.status().state).toBe('connected'))
  })

  test('the next receiver is used when nobody listens at the first', async () => {
    const gone = await startUdpReceiver()
    await gone[Symbol.asyncDispose]()
    await using receiver = await startUdpReceiver()
    const host = [`127.0.0.1:${gone.port}`, `127.0.0.1:${receiver.port}`]
    await using sender = await startSender({
      syslog: { host, port: 514, protocol: 'udp', messagesPerSecondMax: 200 },
    })
    void sender.give(cefLines(500))
    await eventually(() => expect(receiver.datagrams.length).toBeGreaterThan(0))
    expect(sender.status().target).toBe(`127.0.0.1:${receiver.port}`)
  })

  test('keeps the pace of messagesPerSecondMax, 2000 by default', async () => {
    const clock = new FakeClock()
    await using receiver = await startUdpReceiver()
    await using sender = await startSender({ clock, syslog: { port: receiver.port, protocol: 'udp' } })
    void sender.give(cefLines(1_000))
    // 20 ms of burst at the start, then 2 messages a millisecond.
    for (let ms = 0; ms <= 100; ms += 10) {
      await eventually(() => expect(receiver.datagrams).toHaveLength(40 + 2 * ms))
      await clock.advance(10)
    }
    await sender.running.stop(0)
  })

  test('moves to the new address when the name means another one', async () => {
    const clock = new FakeClock()
    await using receiver = await startUdpReceiver()
    let address = '127.0.0.2'
    const syslog = { host: 'siem.example', port: receiver.port, protocol: 'udp' as const }
    await using sender = await startSender({ clock, syslog, tuning: { resolve: async () => [{ address, family: 4 }] } })
    await eventually(() => expect(sender.status().state).toBe('connected'))
    address = '127.0.0.1'
    await eventually(async () => {
      await clock.advance(60_000)
      expect(await sender.metric('siem_relay_connections_total', { result: 'opened' })).toBe(2)
    })
    await sender.give(cefLines(3))
    await eventually(() => expect(receiver.datagrams).toHaveLength(3))
    await sender.running.stop(0)
  })

  test('a datagram the network is too small for goes to the dead letters, and its neighbours are delivered', async () => {
    const socket = new TooSmallNetwork(100)
    const acknowledged: string[] = []
    const feed: Feed = {
      acknowledger: { acknowledge: (first, last) => acknowledged.push(`${first}-${last}`), deadLetter: () => {} },
      revoked: false,
    }
    const refused: number[] = []
    const { transport, window, confirmed } = udpTransport(socket, (_, index) => refused.push(index))
    const values = ['a', 'b', 'c'.repeat(200), 'd']
    const batch = values.map((value, offset) => ({
      topic: 'out.siem',
      partition: 0,
      offset,
      key: String(offset),
      value: Buffer.from(`CEF:${value}`),
      headers: {},
      appendedMs: 0,
    }))
    const settings = { framing: 'none', header: () => '', headerBytesMax: 0, messageBytesMax: 2_048 } as const
    const { segment } = encodeSegment(settings, feed, batch, 0, { bytesMax: 65_536, messagesMax: 100 })
    if (segment === undefined) throw new Error('nothing was encoded')
    window.push(segment)
    const running = transport.run()
    await eventually(() => expect(confirmed).toHaveLength(1))
    transport.close()
    await running
    expect(socket.sent).toEqual(['CEF:a', 'CEF:b', 'CEF:d'])
    expect(refused).toEqual([2])
    expect([...(confirmed[0]?.refused ?? [])]).toEqual([2])
  })
})

/** A connected socket on a path that takes datagrams up to a size: none exists on the loopback. */
class TooSmallNetwork extends EventEmitter {
  readonly sent: string[] = []
  readonly #bytesMax: number

  constructor(bytesMax: number) {
    super()
    this.#bytesMax = bytesMax
  }

  connect(_port: number, _address: string, callback: () => void): void {
    setImmediate(callback)
  }

  send(message: Buffer, callback: (error: Error | null) => void): void {
    if (message.length > this.#bytesMax) {
      setImmediate(callback, Object.assign(new Error('send EMSGSIZE'), { code: 'EMSGSIZE' }))
      return
    }
    this.sent.push(message.toString())
    setImmediate(callback, null)
  }

  close(): void {}
}

function udpTransport(socket: TooSmallNetwork, onRefused: (segment: Segment, index: number) => void) {
  const clock = new FakeClock()
  const confirmed: Segment[] = []
  const window = new Window(
    { bytesMax: 1_048_576, messagesMax: 1_000 },
    { pushed() {}, confirmed: (segment) => confirmed.push(segment) },
  )
  const agent: AgentDefinition = agentSchema.parse({
    id: 'siem',
    syslog: { host: '127.0.0.1', port: 514, protocol: 'udp' },
  })
  const destination = agent.syslog
  if (destination === undefined) throw new Error('the agent has no destination')
  const targets = new Targets(destination, clock, 1_000)
  const nothing = (): void => {}
  const report = {
    connected: nothing,
    recovered: nothing,
    failed: nothing,
    connectFailed: nothing,
    sent: nothing,
    checkpoint: nothing,
    certificate: nothing,
    refused: nothing,
    declined: nothing,
    deadLetter: onRefused,
  }
  const transport = new UdpTransport(
    { destination, targets, tuning: defaultTuning, createSocket: () => socket as unknown as Socket },
    { window, clock, random: () => 0.5, report },
  )
  return { transport, window, confirmed }
}
