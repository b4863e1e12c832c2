import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, makeCertificates } from './testing/certificates.ts'
import { Receiver } from './testing/receiver.ts'
import { type RelpPeer, RelpServer } from './testing/relp-server.ts'
import { cefLine, cefLines, eventually, type SenderTestOptions, startSender } from './testing/sender.ts'

type Syslog = NonNullable<SenderTestOptions['syslog']>

const relpSender = (port: number, syslog: Partial<Syslog> = {}, options: Partial<SenderTestOptions> = {}) =>
  startSender({ syslog: { port, protocol: 'relp', ...syslog }, ...options })

/** How often each line was read, for those read more than once. */
function repeats(lines: readonly string[]): number {
  return lines.length - new Set(lines).size
}

const readLines = (server: RelpServer): string[] => server.read.map((text) => text.slice(text.indexOf('CEF:')))

describe('delivery', () => {
  test('is the 200 for each message: all arrive once and in order, on one connection', async () => {
    await using server = await RelpServer.start()
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(300))
    await eventually(() => expect(sender.committed()).toBe(300))
  })

  test('transaction 1 follows 999,999,999', async () => {
    await using server = await RelpServer.start()
    await using sender = await relpSender(server.port, {}, { tuning: { firstTxnr: 999_999_990 } })
    await sender.give(cefLines(100))
    await eventually(() => expect(sender.committed()).toBe(100))
    const numbers = server.peers[0]?.frames.map(({ txnr }) => txnr) ?? []
    expect(numbers.slice(0, 12)).toEqual([...Array.from({ length: 10 }, (_, i) => 999_999_990 + i), 1, 2])
    expect(server.lines).toEqual(cefLines(100))
  })

  test('keeps the pace of messagesPerSecondMax', async () => {
    const clock = new FakeClock()
    await using server = await RelpServer.start()
    await using sender = await relpSender(server.port, { messagesPerSecondMax: 1_000 }, { clock })
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
    await using sender = await relpSender(server.port, windowMessagesMax === undefined ? {} : { windowMessagesMax })
    void sender.give(cefLines(1_000))
    await eventually(() => expect(server.read).toHaveLength(expected))
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(server.unansweredMax).toBe(expected)
    await sender.running.stop(0)
    expect(sender.committed()).toBe(0)
  })

  test('of 1 delivers message by message', async () => {
    await using server = await RelpServer.start()
    await using sender = await relpSender(server.port, { windowMessagesMax: 1 })
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
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(5_000))
    await eventually(() => expect(sender.committed()).toBe(5_000))
    expect(reads).toBeLessThan(5_000 / 16)
  })
})

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
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(2_000))
    await eventually(() => expect(sender.committed()).toBe(2_000))
    expect(breaks).toBe(5)
    expect([...new Set(readLines(server))]).toEqual(cefLines(2_000))
    expect(repeats(server.lines)).toBeLessThanOrEqual(5 * 128)
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
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port, {}, { clock })
    await sender.give(cefLines(5))
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_CLOSED'))
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(server.peers).toHaveLength(1)
    await sender.running.stop(0)
  })
})

describe('a receiver that breaks the protocol', () => {
  test.each([
    ['answers another transaction', '7 rsp 6 200 OK\n', 'transaction 7 was answered, and 2 is the next in order'],
    ['answers without a code', '2 rsp 2 OK\n', 'an answer begins with a code of three digits, found "OK"'],
    ['says what only a client says', '2 syslog 1 a\n', 'this one said syslog'],
    ['says garbage', 'garbage\n', 'expected a transaction number, found "garbage"'],
    ['announces more than an answer needs', '2 rsp 999999 ', 'the limit is 16384'],
  ])('and %s is left, and gets the message again', async (_, said, reason) => {
    await using server = await RelpServer.start({
      onMessage: (_, peer) => {
        if (peer.index > 0) return false
        peer.say(said)
        return true
      },
    })
    await using sender = await relpSender(server.port, { windowMessagesMax: 1 })
    await sender.give([cefLine(0)])
    await eventually(() => expect(server.lines).toEqual([cefLine(0)]))
    await eventually(() => expect(sender.committed()).toBe(1))
    expect(sender.status().lastError).toMatchObject({
      code: 'RELAY_RECEIVER_PROTOCOL',
      message: expect.stringContaining(reason),
    })
  })

  test('and answers one message twice is left; the message counts', async () => {
    await using server = await RelpServer.start({
      onMessage: ({ txnr }, peer) => {
        if (peer.index === 0) peer.answer(txnr)
        return false
      },
    })
    await using sender = await relpSender(server.port)
    await sender.give([cefLine(0)])
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_PROTOCOL'))
    expect(sender.status().lastError?.message).toContain('transaction 2 was answered, and none is open')
    expect(sender.committed()).toBe(1)
    expect(server.lines).toEqual([cefLine(0)])
  })

  test('what was answered before the offence counts, nothing after it', async () => {
    await using server = await RelpServer.start({
      onMessage: ({ txnr, data }, peer) => {
        if (peer.index > 0) return false
        if (txnr === 11) peer.say('2 rsp 6 200 OK\n3 rsp 6 200 OK\n9 rsp 6 200 OK\n4 rsp 6 200 OK\n')
        if (txnr <= 3) server.accepted.push(data.toString())
        return true
      },
    })
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(10))
    await eventually(() => expect(sender.committed()).toBe(10))
    expect(server.lines).toEqual(cefLines(10))
  })
})

describe('a message the receiver refuses', () => {
  const refusing = (isRefused: (message: string) => boolean) =>
    RelpServer.start({
      onMessage: ({ txnr, data }, peer) => {
        if (!isRefused(data.toString())) return false
        peer.answer(txnr, '500 disk full')
        peer.unanswered--
        return true
      },
    })

  test('goes to the dead letters after three refusals, and its neighbours are delivered once', async () => {
    await using server = await refusing((message) => message.endsWith(cefLine(20)))
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(50))
    await eventually(() => expect(sender.committed()).toBe(50))
    const attempts = readLines(server).filter((line) => line === cefLine(20))
    expect(attempts).toHaveLength(3)
    // Those behind it in the first window were accepted before we knew of the refusal; no later try repeats them.
    expect([...new Set(server.lines)].sort()).toEqual(
      cefLines(50)
        .filter((_, number) => number !== 20)
        .sort(),
    )
    expect(repeats(server.lines)).toBeLessThanOrEqual(29)
    expect(
      sender.bus.partition('siem').deadLetters.map(({ record, letter }) => [record.offset, letter.headers]),
    ).toEqual([
      [
        20,
        expect.objectContaining({
          code: 'RELAY_RECEIVER_REFUSED',
          attempts: '3',
          reason: expect.stringContaining('refused a message with 500 "disk full", 3 times; it went to dead-letters'),
        }),
      ],
    ])
    expect(await sender.metric('siem_relay_messages_declined_total')).toBe(3)
    expect(await sender.metric('siem_relay_messages_delivered_total')).toBe(49)
    const labels = { stage: 'syslog-sender', code: 'RELAY_RECEIVER_REFUSED' }
    expect(await sender.metric('siem_relay_records_dead_lettered_total', labels)).toBe(1)
  })

  test('is delivered when a later try is accepted', async () => {
    let refusals = 0
    await using server = await refusing((message) => message.endsWith(cefLine(3)) && refusals++ < 2)
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(10))
    await eventually(() => expect(sender.committed()).toBe(10))
    expect(sender.bus.partition('siem').deadLetters).toEqual([])
    expect([...new Set(server.lines)].sort()).toEqual(cefLines(10).sort())
    expect(sender.status().lastError).toMatchObject({
      code: 'RELAY_RECEIVER_REFUSED',
      message: expect.stringContaining('500 "disk full"; sending everything again'),
    })
  })

  test('a receiver that refuses everything is asked less and less often', async () => {
    const clock = new FakeClock()
    await using server = await refusing(() => true)
    await using sender = await relpSender(server.port, { windowMessagesMax: 1 }, { clock })
    await sender.give(cefLines(100))
    await eventually(async () => {
      await clock.advance(60_000)
      expect(sender.bus.partition('siem').deadLetters.length).toBeGreaterThanOrEqual(3)
    })
    const before = server.peers.length
    await clock.advance(1_000)
    expect(server.peers.length - before).toBeLessThanOrEqual(1)
    await sender.running.stop(0)
  })
})

describe('a receiver that says nothing', () => {
  test('to messages is unconfirmed after confirmTimeoutMs, and they come again', async () => {
    const clock = new FakeClock()
    await using server = await RelpServer.start({ onMessage: (_, { index }) => index === 0 })
    await using sender = await relpSender(server.port, { confirmTimeoutMs: 5_000 }, { clock })
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
    await using sender = await relpSender(server.port, wide, { clock })
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
    await using sender = await relpSender(server.port, { host, connectTimeoutMs: 3_000 }, { clock })
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

describe('a receiver that is none', () => {
  const open = (said: (txnr: number) => string) => ({
    onOpen: ({ txnr }: { txnr: number }, peer: RelpPeer) => {
      peer.say(said(txnr))
      return true
    },
  })
  const refusal = '500 required command not supported by client'

  test.each([
    [
      'refuses the session',
      (txnr: number) => `${txnr} rsp ${refusal.length} ${refusal}\n0 serverclose 0\n`,
      `refused the session: 500 "required command not supported by client"`,
    ],
    [
      'takes no syslog',
      (txnr: number) => `${txnr} rsp 21 200 OK\ncommands=eventx\n`.replace('21', '22'),
      'takes no syslog',
    ],
    ['answers an empty answer', (txnr: number) => `${txnr} rsp 0\n`, 'refused the session: no code'],
    ['answers like a web server', () => 'HTTP/1.1 400 Bad Request\r\n', 'found "HTTP/1.1 400 Bad Request"'],
    ['greets like a mail server', () => '220 mail.contoso.com ESMTP\r\n', 'does not speak RELP'],
    ['answers with TLS', () => '\x15\x03\x03\x00\x02\x02\x32', 'found TLS: this port wants it'],
  ])('because it %s is named, asked again seldom, and gets no message', async (_, said, reason) => {
    await using server = await RelpServer.start(open(said))
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(3))
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_PROTOCOL'))
    expect(sender.status().lastError?.message).toContain(reason)
    expect(sender.status().lastError?.nextMove).toContain('imrelp')
    await sender.running.stop(0)
    expect(server.read).toEqual([])
    expect(sender.committed()).toBe(0)
  })

  test('because it closes instead of answering is named', async () => {
    await using server = await RelpServer.start({
      onOpen: (_, { socket }) => {
        socket.end()
        return true
      },
    })
    await using sender = await relpSender(server.port)
    await eventually(() =>
      expect(sender.status().lastError).toMatchObject({
        code: 'RELAY_RECEIVER_PROTOCOL',
        message: expect.stringContaining('closed the connection instead of answering open'),
      }),
    )
  })

  test('stopping while it is silent does not wait for it', async () => {
    await using server = await RelpServer.start({ onOpen: () => true })
    await using sender = await relpSender(server.port)
    await eventually(() => expect(server.peers[0]?.frames).toHaveLength(1))
    await sender.running.stop(0)
    expect(sender.status().lastError).toBeUndefined()
  })
})

describe('messages that are too long', () => {
  test('for the receiver go to the dead letters: it would cut them and say 200', async () => {
    await using server = await RelpServer.start()
    await using sender = await relpSender(server.port)
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
    await using sender = await relpSender(server.port, { messageBytesMax: 131_072 })
    const long = `CEF:${'x'.repeat(131_000)}`
    await sender.give([long, cefLine(0)])
    await eventually(() => expect(sender.committed()).toBe(2))
    expect(server.lines).toEqual([long, cefLine(0)])
  })
})

describe('stop', () => {
  test('sends and confirms what is in the window, and says goodbye', async () => {
    await using server = await RelpServer.start()
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(300))
    await sender.running.stop(5_000)
    expect(server.lines).toEqual(cefLines(300))
    expect(sender.committed()).toBe(300)
    expect(server.peers[0]?.frames.at(-1)).toMatchObject({ txnr: 302, command: 'close' })
  })

  test.each([
    ['the answer alone', (txnr: number) => `${txnr} rsp 0\n`, false],
    ['an answer with text', (txnr: number) => `${txnr} rsp 6 200 OK\n`, true],
    ['serverclose alone', () => '0 serverclose 0\n', false],
    ['serverclose before the answer', (txnr: number) => `0 serverclose 0\n${txnr} rsp 0 \n`, true],
    ['a close without a word', () => '', true],
  ])('takes %s for a goodbye', async (_, said, ends) => {
    const clock = new FakeClock()
    await using server = await RelpServer.start({
      onClose: ({ txnr }, peer) => {
        peer.say(said(txnr))
        if (ends) peer.socket.end()
        return true
      },
    })
    // A clock that stands still: waiting for the time limit would never end.
    await using sender = await relpSender(server.port, {}, { clock })
    await sender.give(cefLines(3))
    await eventually(() => expect(sender.committed()).toBe(3))
    await sender.running.stop(5_000)
    expect(sender.status().lastError).toBeUndefined()
  })

  test('does not wait long for a receiver that never says goodbye', async () => {
    await using server = await RelpServer.start({ onClose: () => true })
    await using sender = await relpSender(server.port, {}, { tuning: { goodbyeMs: 20 } })
    await sender.give(cefLines(3))
    await sender.running.stop(5_000)
    expect(sender.committed()).toBe(3)
  })

  test('leaves unanswered messages unacknowledged', async () => {
    await using server = await RelpServer.start({ onMessage: () => server.accepted.length >= 5 })
    await using sender = await relpSender(server.port)
    await sender.give(cefLines(20))
    await eventually(() => expect(server.read).toHaveLength(20))
    await eventually(() => expect(sender.committed()).toBe(5))
    await sender.running.stop(0)
    expect(sender.committed()).toBe(5)
  })
})

describe('a partition that is taken away', () => {
  test('acknowledges nothing any more, and what it had in flight is not sent again', async () => {
    await using server = await RelpServer.start({ onMessage: (_, { index }) => index === 0 })
    await using sender = await relpSender(server.port)
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

describe('over TLS', () => {
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await makeCertificates()
  })
  afterAll(() => certificates[Symbol.asyncDispose]())

  const tlsServer = (more: object = {}) => {
    const { cert, key } = certificates.server
    return RelpServer.start({ tls: { cert, key, ...more } })
  }

  test('delivers, from the handshake on: TLS starts at connect', async () => {
    await using server = await tlsServer()
    await using sender = await relpSender(server.port, { tls: { caFile: certificates.ca.certFile } })
    await sender.give(cefLines(2_000))
    await sender.running.stop(5_000)
    expect(server.lines).toEqual(cefLines(2_000))
    expect(sender.committed()).toBe(2_000)
  })

  test('a receiver of an unknown authority gets nothing', async () => {
    await using server = await tlsServer()
    await using sender = await relpSender(server.port, { tls: { caFile: certificates.otherCa.certFile } })
    await sender.give(cefLines(3))
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
    expect(sender.status().lastError?.message).toContain('an authority not in tls.caFile')
    expect(server.read).toEqual([])
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: a receiver that refuses us for our certificate is named as such',
    async (maxVersion) => {
      await using server = await tlsServer({
        maxVersion,
        ca: certificates.ca.cert,
        requestCert: true,
        rejectUnauthorized: true,
      })
      await using sender = await relpSender(server.port, { tls: { caFile: certificates.ca.certFile } })
      await sender.give(cefLines(3))
      await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_AUTH'))
      expect(sender.status().lastError?.nextMove).toContain('tls.certFile')
      expect(server.read).toEqual([])
    },
  )

  test('a plain RELP port is named as one that speaks no TLS, and a TLS port without tls as one that wants it', async () => {
    await using plain = await RelpServer.start({ onOpen: () => true })
    // What librelp does with bytes that are no frame.
    await using closing = await Receiver.start({ onConnection: (socket) => socket.end('0 serverclose 0\n') })
    await using sender = await relpSender(closing.port, { tls: { caFile: certificates.ca.certFile } })
    await eventually(() => expect(sender.status().lastError?.message).toContain('this port does not speak TLS'))
    await using server = await tlsServer()
    await using other = await relpSender(server.port)
    await eventually(() => expect(other.status().lastError?.code).toBe('RELAY_RECEIVER_PROTOCOL'))
    expect(plain.peers).toEqual([])
  })
})

test('a server of the tests refuses a gap in the numbers, as librelp does', async () => {
  await using server = await RelpServer.start()
  const socket = connect(server.port, '127.0.0.1')
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  socket.write('1 open 30 relp_version=0\ncommands=syslog\n3 syslog 1 a\n')
  await eventually(() => expect(Buffer.concat(heard).toString()).toMatch(/^1 rsp 93 200 OK\n.*\n0 serverclose 0\n$/s))
  socket.destroy()
})

/** One byte a write. */
async function dribble({ say }: RelpPeer, text: string): Promise<void> {
  for (const letter of text) {
    say(letter)
    if (letter === '\n') await turn()
  }
}
