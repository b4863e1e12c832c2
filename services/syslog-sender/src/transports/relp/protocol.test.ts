/** Receivers that break RELP, or speak something else: named, left, and given everything again. */
import { describe, expect, test } from 'vitest'
import { type RelpPeer, RelpServer } from '../../testing/relp-server.ts'
import { cefLine, cefLines, eventually, startRelpSender } from '../../testing/sender.ts'

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
    await using sender = await startRelpSender(server.port, { windowMessagesMax: 1 })
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
    await using sender = await startRelpSender(server.port)
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
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(10))
    await eventually(() => expect(sender.committed()).toBe(10))
    expect(server.lines).toEqual(cefLines(10))
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
    await using sender = await startRelpSender(server.port)
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
    await using sender = await startRelpSender(server.port)
    await eventually(() =>
      expect(sender.status().lastError).toMatchObject({
        code: 'RELAY_RECEIVER_PROTOCOL',
        message: expect.stringContaining('closed the connection instead of answering open'),
      }),
    )
  })

  test('stopping while it is silent does not wait for it', async () => {
    await using server = await RelpServer.start({ onOpen: () => true })
    await using sender = await startRelpSender(server.port)
    await eventually(() => expect(server.peers[0]?.frames).toHaveLength(1))
    await sender.running.stop(0)
    expect(sender.status().lastError).toBeUndefined()
  })
})
