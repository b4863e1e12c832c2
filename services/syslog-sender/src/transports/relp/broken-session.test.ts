/** RELP sessions that end or fall silent: what has a 200 is delivered, the rest is sent again in order. */
import { setImmediate as turn } from 'node:timers/promises'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { Receiver } from '../../testing/receiver.ts'
import { RelpServer } from '../../testing/relp-server.ts'
import { cefLines, eventually, repeatsIn, startRelpSender } from '../../testing/sender.ts'

describe('a session that breaks', () => {
  test('leaves what has a 200 as delivered, and sends the rest again in order', async () => {
    let breaks = 0
    await using server = await RelpServer.start({
      onMessage: (_, { socket }) => {
        if (server.accepted.length % 333 !== 332 || breaks >= 5) return false
        breaks++
        socket.resetAndDestroy()
        return true
      },
    })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(2_000))
    await eventually(() => expect(sender.committed()).toBe(2_000))
    expect(breaks).toBe(5)
    expect([...new Set(server.readLines)]).toEqual(cefLines(2_000))
    expect(repeatsIn(server.lines)).toBeLessThanOrEqual(5 * 128)
    expect(await sender.metric('siem_relay_messages_resent_total')).toBeLessThanOrEqual(5 * 128)
    expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_CLOSED')
  })

  test('repeats nothing that was answered: a segment is confirmed up to its last answer', async () => {
    await using server = await RelpServer.start({
      onMessage: (_, peer) => {
        if (peer.index > 0 || server.accepted.length < 10) return false
        peer.socket.end()
        return true
      },
    })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(40))
    await eventually(() => expect(sender.committed()).toBe(40))
    expect(server.lines).toEqual(cefLines(40))
    expect(await sender.metric('siem_relay_messages_delivered_total')).toBe(40)
  })

  test('by serverclose in mid-stream is opened again, and everything without an answer goes out again', async () => {
    await using server = await RelpServer.start({
      onMessage: (_, peer) => {
        if (peer.index > 0 || server.accepted.length < 100) return false
        peer.say('0 serverclose 0\n')
        return true
      },
    })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(500))
    await eventually(() => expect(sender.committed()).toBe(500))
    expect(server.lines).toEqual(cefLines(500))
    expect(sender.status().lastError).toMatchObject({
      code: 'RELAY_RECEIVER_CLOSED',
      message: expect.stringContaining('closed the session; sending everything again from the oldest of'),
    })
  })

  test('by serverclose while idle is no failure, and opened again', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(5))
    await eventually(() => expect(sender.committed()).toBe(5))
    server.peers[0]?.say('0 serverclose 0\n')
    await eventually(() => expect(server.peers).toHaveLength(2))
    expect(sender.status().lastError).toBeUndefined()
    await sender.give(cefLines(5))
    await eventually(() => expect(sender.committed()).toBe(10))
  })

  test('right after every open is tried again with growing pauses', async () => {
    const clock = new FakeClock()
    await using server = await RelpServer.start({
      onOpen: ({ txnr }, peer) => {
        peer.answer(txnr, '200 OK')
        peer.say('0 serverclose 0\n')
        return true
      },
    })
    await using sender = await startRelpSender(server.port, {}, { clock })
    await sender.give(cefLines(5))
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_CLOSED'))
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(server.peers).toHaveLength(1)
    await sender.running.stop(0)
  })
})

describe('a receiver that says nothing', () => {
  test('to messages is unconfirmed after confirmTimeoutMs, and they come again', async () => {
    const clock = new FakeClock()
    await using server = await RelpServer.start({ onMessage: (_, { index }) => index === 0 })
    await using sender = await startRelpSender(server.port, { confirmTimeoutMs: 5_000 }, { clock })
    await sender.give(cefLines(10))
    await eventually(() => expect(server.read).toHaveLength(10))
    await clock.advance(4_900)
    expect(sender.status().state).toBe('connected')
    await eventually(async () => {
      await clock.advance(100)
      expect(sender.status().lastError).toMatchObject({
        code: 'RELAY_RECEIVER_UNCONFIRMED',
        message: expect.stringContaining('answered nothing for 5000 ms with 10 messages in flight'),
        nextMove: expect.stringContaining('On relp'),
      })
    })
    await eventually(async () => {
      await clock.advance(100)
      expect(sender.committed()).toBe(10)
    })
    expect(server.lines).toEqual(cefLines(10))
  })

  test('and reads nothing is stalled, where Linux shows it', async () => {
    const clock = new FakeClock()
    await using server = await RelpServer.start({
      onOpen: ({ txnr }, peer) => {
        peer.answer(txnr, '200 OK')
        peer.socket.pause()
        return true
      },
    })
    const wide = { windowMessagesMax: 10_000, messageBytesMax: 131_072 }
    await using sender = await startRelpSender(server.port, wide, { clock })
    // More than the kernels between us hold.
    void sender.give(Array.from({ length: 200 }, (_, number) => `CEF:${number}${'x'.repeat(120_000)}`))
    await eventually(async () => {
      await clock.advance(1_000)
      expect(sender.status().lastError?.code).toMatch(/RELAY_RECEIVER_(STALLED|UNCONFIRMED)/)
    })
    expect(sender.committed()).toBe(0)
    await sender.running.stop(0)
  })

  test('to open is reported as no RELP receiver, and the next one is used', async () => {
    const clock = new FakeClock()
    await using plain = await Receiver.start()
    await using server = await RelpServer.start()
    const host = [`127.0.0.1:${plain.port}`, `127.0.0.1:${server.port}`]
    await using sender = await startRelpSender(server.port, { host, connectTimeoutMs: 3_000 }, { clock })
    await sender.give(cefLines(10))
    await eventually(async () => {
      await clock.advance(1_000)
      expect(sender.committed()).toBe(10)
    })
    expect(sender.status().target).toBe(`127.0.0.1:${server.port}`)
    expect(await sender.metric('siem_relay_connections_total', { result: 'failed' })).toBe(1)
    expect(plain.messages.join()).not.toContain('CEF:')
    await sender.running.stop(5_000)
  })
})

describe('a partition that is taken away', () => {
  test('acknowledges nothing any more, and what it had in flight is not sent again', async () => {
    await using server = await RelpServer.start({ onMessage: (_, { index }) => index === 0 })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(20))
    await sender.give(cefLines(5, 1), 1)
    await eventually(() => expect(server.read).toHaveLength(25))
    sender.bus.partition('siem').revoke()
    server.peers[0]?.socket.destroy()
    await eventually(() => expect(sender.bus.partition('siem', 1).committed).toBe(5))
    expect(server.lines).toEqual(cefLines(5, 1))
    expect(sender.committed()).toBe(0)
  })
})
