/** RELP as a sender speaks it to a receiver that works: what is delivered, how much is on its way, what is too long. */
import { setImmediate as turn } from 'node:timers/promises'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { type RelpPeer, RelpServer } from '../../testing/relp-server.ts'
import { cefLine, cefLines, eventually, startRelpSender } from '../../testing/sender.ts'

describe('delivery', () => {
  test('is the 200 for each message: all arrive once and in order, on one connection', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(5_000))
    await eventually(() => expect(sender.committed()).toBe(5_000))
    expect(server.lines).toEqual(cefLines(5_000))
    expect(server.peers).toHaveLength(1)
    expect(await sender.metric('siem_relay_messages_delivered_total')).toBe(5_000)
    expect(await sender.metric('siem_relay_messages_sent_total', { protocol: 'relp' })).toBe(5_000)
    expect(await sender.metric('siem_relay_messages_resent_total')).toBe(0)
  })

  test('a message goes out with its header and no framing but that of RELP', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port)
    await sender.give([cefLine(0), 'CEF:é'])
    await eventually(() => expect(sender.committed()).toBe(2))
    expect(server.accepted).toEqual([
      `<166>2023-03-02T21:10:02.022Z relay-host ${cefLine(0)}`,
      '<166>2023-03-02T21:10:02.022Z relay-host CEF:é',
    ])
    expect(server.peers[0]?.frames.map(({ txnr, command }) => `${txnr} ${command}`)).toEqual([
      '1 open',
      '2 syslog',
      '3 syslog',
    ])
  })

  test('all partitions share the session, each in its order', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port)
    await Promise.all([0, 1, 2].map((partition) => sender.give(cefLines(700, partition), partition)))
    await eventually(() => expect(server.lines).toHaveLength(2_100))
    for (const partition of [0, 1, 2])
      expect(server.lines.filter((line) => line.includes(`externalId=${partition}-`))).toEqual(cefLines(700, partition))
    expect(server.peers).toHaveLength(1)
  })

  test('answers that come torn and late are counted all the same', async () => {
    const pending: string[] = []
    let said = Promise.resolve()
    await using server = await RelpServer.start({
      onMessage: ({ txnr, data }, peer) => {
        server.accepted.push(data.toString())
        pending.push(`${txnr} rsp 6 200 OK\n`)
        if (pending.length === 100) {
          const text = pending.splice(0).join('')
          said = said.then(() => dribble(peer, text))
        }
        return true
      },
    })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(300))
    await eventually(() => expect(sender.committed()).toBe(300))
  })

  test('transaction 1 follows 999,999,999', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port, {}, { tuning: { firstTxnr: 999_999_990 } })
    await sender.give(cefLines(100))
    await eventually(() => expect(sender.committed()).toBe(100))
    const numbers = server.peers[0]?.frames.map(({ txnr }) => txnr) ?? []
    expect(numbers.slice(0, 12)).toEqual([...Array.from({ length: 10 }, (_, i) => 999_999_990 + i), 1, 2])
    expect(server.lines).toEqual(cefLines(100))
  })

  test('keeps the pace of messagesPerSecondMax', async () => {
    const clock = new FakeClock()
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port, { messagesPerSecondMax: 1_000 }, { clock })
    void sender.give(cefLines(500))
    for (let ms = 0; ms <= 100; ms += 10) {
      await eventually(() => expect(server.lines).toHaveLength(20 + ms))
      await clock.advance(10)
    }
    await sender.running.stop(0)
  })
})

describe('the window', () => {
  /** Takes everything and answers nothing. */
  const silent = { onMessage: () => true }

  test.each([
    [undefined, 128],
    [7, 7],
    [1, 1],
  ])('of %s leaves at most %i messages without an answer', async (windowMessagesMax, expected) => {
    await using server = await RelpServer.start(silent)
    await using sender = await startRelpSender(
      server.port,
      windowMessagesMax === undefined ? {} : { windowMessagesMax },
    )
    void sender.give(cefLines(1_000))
    await eventually(() => expect(server.read).toHaveLength(expected))
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(server.unansweredMax).toBe(expected)
    await sender.running.stop(0)
    expect(sender.committed()).toBe(0)
  })

  test('of 1 delivers message by message', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port, { windowMessagesMax: 1 })
    await sender.give(cefLines(50))
    await eventually(() => expect(sender.committed()).toBe(50))
    expect(server.unansweredMax).toBe(1)
  })

  test('many frames leave in one write: far fewer reads than messages', async () => {
    let reads = 0
    await using server = await RelpServer.start({
      onOpen: (_, { socket }) => {
        socket.on('data', () => reads++)
        return false
      },
    })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(5_000))
    await eventually(() => expect(sender.committed()).toBe(5_000))
    expect(reads).toBeLessThan(5_000 / 16)
  })
})

describe('messages that are too long', () => {
  test('for the receiver go to the dead letters: it would cut them and say 200', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port)
    const header = '<166>2023-03-02T21:10:02.022Z relay-host '
    const line = (bytes: number): string => `CEF:${'x'.repeat(bytes - header.length - 4)}`
    await sender.give([line(8_096), line(8_097), cefLine(0)])
    await eventually(() => expect(sender.committed()).toBe(3))
    expect(server.accepted.map(({ length }) => length)).toEqual([8_096, header.length + cefLine(0).length])
    expect(sender.bus.partition('siem').deadLetters.map(({ letter }) => letter.headers.code)).toEqual([
      'RELAY_FRAME_TOO_LARGE',
    ])
  })

  test('by default are sent whole up to 131,072 bytes where the receiver takes them', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port, { messageBytesMax: 131_072 })
    const long = `CEF:${'x'.repeat(131_000)}`
    await sender.give([long, cefLine(0)])
    await eventually(() => expect(sender.committed()).toBe(2))
    expect(server.lines).toEqual([long, cefLine(0)])
  })
})

/** One byte a write. */
async function dribble({ say }: RelpPeer, text: string): Promise<void> {
  for (const letter of text) {
    say(letter)
    if (letter === '\n') await turn()
  }
}
