import { describe, expect, test } from 'vitest'
import { Receiver } from './testing/receiver.ts'
import { cefLine, cefLines, eventually, startSender } from './testing/sender.ts'

describe('confirm: checkpoint', () => {
  test('delivers every message in order over many connections, and acknowledges them all', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, checkpointMessages: 50 } })
    await sender.give(cefLines(1_000))
    await eventually(() => expect(receiver.lines).toHaveLength(1_000))
    await sender.running.stop(5_000)
    expect(receiver.lines).toEqual(cefLines(1_000))
    expect(sender.committed()).toBe(1_000)
    expect(receiver.sockets.length).toBeGreaterThan(10)
    expect(await sender.metric('siem_relay_messages_delivered_total')).toBe(1_000)
    expect(await sender.metric('siem_relay_messages_resent_total')).toBe(0)
    expect(await sender.metric('siem_relay_unconfirmed_messages')).toBe(0)
  })

  test('keeps the order of each of several partitions on the one connection', async () => {
    await using receiver = await Receiver.start({ framing: 'octet-counting' })
    await using sender = await startSender({
      syslog: { port: receiver.port, framing: 'octet-counting', checkpointMessages: 100 },
    })
    const partitions = [0, 1, 2, 3]
    await Promise.all(partitions.map((partition) => sender.give(cefLines(700, partition), partition)))
    await sender.running.stop(5_000)
    for (const partition of partitions) {
      expect(receiver.lines.filter((line) => line.includes(`externalId=${partition}-`))).toEqual(
        cefLines(700, partition),
      )
      expect(sender.bus.partition('siem', partition).committed).toBe(700)
    }
  })

  test('puts the header before the line: PRI from the severity, event time, this machine', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port } })
    await sender.give([cefLine(0)])
    await sender.running.stop(5_000)
    expect(receiver.messages).toEqual([`<166>2023-03-02T21:10:02.022Z relay-host ${cefLine(0)}`])
  })

  test('acknowledges nothing before the receiver has closed its side', async () => {
    await using receiver = await Receiver.start({ manner: 'ignore-end' })
    await using sender = await startSender({ syslog: { port: receiver.port, checkpointMessages: 10 } })
    await sender.give(cefLines(10))
    await eventually(() => expect(receiver.lines).toHaveLength(10))
    await eventually(() => expect(receiver.sockets[0]?.readableEnded).toBe(true))
    expect(sender.committed()).toBe(0)
    receiver.sockets[0]?.end()
    await eventually(() => expect(sender.committed()).toBe(10))
  })

  test('confirms a few messages after checkpointSeconds', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, checkpointSeconds: 0.1 } })
    await sender.give(cefLines(3))
    await eventually(() => expect(sender.committed()).toBe(3))
    expect(receiver.lines).toEqual(cefLines(3))
  })

  test('does not rotate while nothing is unconfirmed', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, checkpointSeconds: 0.1 } })
    await sender.give(cefLines(1))
    await eventually(() => expect(sender.committed()).toBe(1))
    await sender.give([cefLine(1)])
    await eventually(() => expect(sender.committed()).toBe(2))
    expect(await sender.metric('siem_relay_checkpoint_seconds', {})).toBeGreaterThan(0)
    // The first, one after each checkpoint: none for the time in between.
    expect(receiver.sockets.length).toBe(3)
  })

  test('a receiver that is reset in mid-stream gets everything it had not read again, in order', async () => {
    let kills = 0
    await using receiver = await Receiver.start({
      onMessage: (_, socket) => {
        if (receiver.messages.length % 137 !== 0 || kills >= 12) return
        kills++
        if (kills % 2 === 0) socket.resetAndDestroy()
        else socket.destroy()
      },
    })
    await using sender = await startSender({ syslog: { port: receiver.port, checkpointMessages: 100 } })
    await sender.give(cefLines(2_000))
    await eventually(async () => {
      await sender.running.stop(10_000)
      expect(sender.committed()).toBe(2_000)
    })
    expect(kills).toBe(12)
    const firsts = [...new Set(receiver.lines)]
    expect(firsts).toEqual(cefLines(2_000))
    // At most the window (2 × checkpointMessages) comes twice for each break.
    expect(receiver.lines.length - firsts.length).toBeLessThanOrEqual(kills * 200)
    expect(await sender.metric('siem_relay_messages_resent_total')).toBeLessThanOrEqual(kills * 200)
  })

  test('a receiver that goes away and comes back loses nothing', async () => {
    const first = await Receiver.start()
    const { port } = first
    await using sender = await startSender({ syslog: { port, checkpointMessages: 100_000 } })
    await sender.give(cefLines(300))
    await eventually(() => expect(first.lines).toHaveLength(300))
    await first.close()
    await eventually(() => expect(sender.status().state).toBe('error'))
    expect(sender.committed()).toBe(0)
    await using second = await Receiver.start({ port })
    await eventually(() => expect(second.lines).toHaveLength(300))
    await sender.running.stop(5_000)
    expect(second.lines).toEqual(cefLines(300))
    expect(sender.committed()).toBe(300)
  })

  test('a connection the receiver closes while idle is opened again, and is no error', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port } })
    await eventually(() => expect(receiver.sockets).toHaveLength(1))
    receiver.sockets[0]?.end()
    await eventually(() => expect(receiver.sockets).toHaveLength(2))
    await sender.give(cefLines(5))
    await eventually(() => expect(receiver.lines).toEqual(cefLines(5)))
    expect(sender.status()).toMatchObject({ state: 'connected', lastError: undefined })
    expect(await sender.metric('siem_relay_messages_resent_total')).toBe(0)
  })

  test('a close by the receiver before our half-close confirms nothing', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port, checkpointMessages: 100_000 } })
    await sender.give(cefLines(5))
    await eventually(() => expect(receiver.lines).toHaveLength(5))
    receiver.sockets[0]?.end()
    await eventually(() => expect(receiver.lines).toHaveLength(10))
    expect(sender.committed()).toBe(0)
    expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_CLOSED')
  })

  test('stop confirms what is in the window', async () => {
    await using receiver = await Receiver.start()
    await using sender = await startSender({ syslog: { port: receiver.port } })
    await sender.give(cefLines(321))
    await sender.running.stop(5_000)
    expect(receiver.lines).toEqual(cefLines(321))
    expect(sender.committed()).toBe(321)
  })

  test('stop leaves what the receiver did not confirm in time unacknowledged', async () => {
    await using receiver = await Receiver.start({ manner: 'ignore-end' })
    await using sender = await startSender({ syslog: { port: receiver.port } })
    await sender.give(cefLines(7))
    await eventually(() => expect(receiver.lines).toHaveLength(7))
    await sender.running.stop(50)
    expect(sender.committed()).toBe(0)
    expect(sender.logged()).toContain('stopped before all was confirmed')
  })
})
