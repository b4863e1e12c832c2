import { describe, expect, test } from 'vitest'
import { Receiver } from './testing/receiver.ts'
import { cefLines, eventually, startSender } from './testing/sender.ts'

describe('confirm: tcp-ack', () => {
  test('acknowledges on one connection, without rotating', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, confirm: 'tcp-ack' } })
    await sender.give(cefLines(500))
    await eventually(() => expect(sender.committed()).toBe(500))
    await sender.give(cefLines(500))
    await sender.running.stop(5_000)
    expect(receiver.sockets).toHaveLength(1)
    expect(receiver.lines).toEqual([...cefLines(500), ...cefLines(500)])
    expect(sender.committed()).toBe(1_000)
  })

  test('acknowledges nothing the receiver broke off within the settle time', async () => {
    await using receiver = await Receiver.start({
      onMessage: (_, socket) => {
        if (receiver.messages.length === 40) socket.resetAndDestroy()
      },
    })
    await using sender = await startSender({
      syslog: { port: receiver.port, confirm: 'tcp-ack' },
      tuning: { tcpAckSettleMs: 300 },
    })
    await sender.give(cefLines(100))
    await eventually(() => expect(receiver.lines).toHaveLength(140))
    expect(sender.committed()).toBe(0)
    await eventually(() => expect(sender.committed()).toBe(100))
    expect(receiver.lines.slice(40)).toEqual(cefLines(100))
  })

  test('acknowledges nothing that sits unread behind a full receive buffer', async () => {
    await using receiver = await Receiver.start({ manner: 'never-read' })
    await using sender = await startSender({ syslog: { port: receiver.port, confirm: 'tcp-ack' } })
    const lines = Array.from({ length: 5_000 }, (_, i) => `CEF:0|${i}|${'x'.repeat(4_000)}`)
    const given = sender.give(lines)
    await eventually(async () => {
      expect(await sender.metric('siem_relay_messages_sent_total')).toBeGreaterThan(1_000)
    })
    // The kernel's own buffers (at most 32 MiB here) may hold what it acknowledged; the rest stays unconfirmed.
    await eventually(() => expect(sender.committed()).toBeLessThan(5_000))
    await sender.running.stop(0)
    await given
  })
})

describe('confirm: write', () => {
  test('acknowledges what the kernel took', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, confirm: 'write' } })
    await sender.give(cefLines(500))
    await eventually(() => expect(sender.committed()).toBe(500))
    expect(receiver.sockets).toHaveLength(1)
  })
})
