import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { Receiver } from './testing/receiver.ts'
import { cefLines, eventually, startSender } from './testing/sender.ts'

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const receiver = await Receiver.start()
  const { port } = receiver
  await receiver.close()
  return port
}

describe('a receiver that takes connections and never reads', () => {
  test('holds back the bus within the window, is given up as stalled, and is tried again', async () => {
    const clock = new FakeClock()
    await using receiver = await Receiver.start({ manner: 'never-read' })
    await using sender = await startSender({ clock, syslog: { port: receiver.port, windowBytesMax: 4_194_304 } })
    const lines = Array.from({ length: 12_000 }, (_, i) => `CEF:0|${i}|${'x'.repeat(4_000)}`)
    let isTaken = false
    const given = sender.give(lines).then(() => {
      isTaken = true
    })
    await eventually(async () => {
      await clock.advance(1_000)
      expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_STALLED')
    })
    expect(isTaken).toBe(false)
    // One window, of 48 MB given; the batch being held back is the bus's bound.
    expect(await sender.metric('siem_relay_unconfirmed_messages')).toBeLessThanOrEqual(4_194_304 / 4_000)
    expect(sender.committed()).toBe(0)
    await eventually(async () => {
      await clock.advance(1_000)
      expect(receiver.sockets.length).toBeGreaterThanOrEqual(2)
    })
    await sender.running.stop(0)
    await given
  })

  test('when it reads again, everything arrives in order', async () => {
    const clock = new FakeClock()
    await using receiver = await Receiver.start({ manner: 'never-read' })
    await using sender = await startSender({ clock, syslog: { port: receiver.port } })
    const given = sender.give(cefLines(2_000))
    await eventually(async () => {
      await clock.advance(1_000)
      expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_STALLED')
    })
    receiver.manner = 'read'
    await given
    await eventually(async () => {
      await clock.advance(1_000)
      expect(sender.committed()).toBe(2_000)
    })
    expect(receiver.lines.slice(-2_000)).toEqual(cefLines(2_000))
  })
})

test('a receiver that ignores our half-close is unconfirmed, and asked less and less often', async () => {
  const clock = new FakeClock()
  await using receiver = await Receiver.start({ manner: 'ignore-end' })
  await using sender = await startSender({ clock, syslog: { port: receiver.port, confirmTimeoutMs: 1_000 } })
  await sender.give(cefLines(10))
  const unconfirmedAt: number[] = []
  await eventually(async () => {
    await clock.advance(1_000)
    const error = sender.status().lastError
    if (error?.code === 'RELAY_RECEIVER_UNCONFIRMED' && !unconfirmedAt.includes(error.atMs))
      unconfirmedAt.push(error.atMs)
    expect(unconfirmedAt.length).toBe(6)
  })
  expect(sender.committed()).toBe(0)
  expect(sender.status().lastError?.nextMove).toContain('confirm: tcp-ack')
  const gaps = unconfirmedAt.slice(1).map((at, i) => at - (unconfirmedAt[i] ?? 0))
  // 10 s to the checkpoint, 1 s for the answer, and a wait of at least half of 5, 10, 20, 40, 80 s.
  expect(gaps[4]).toBeGreaterThan(40_000)
  await sender.running.stop(0)
})

describe('several receivers', () => {
  test('the next one is used when the first is away, and the first again after a while', async () => {
    const port = await freePort()
    await using second = await Receiver.start()
    const syslog = {
      host: [`127.0.0.1:${port}`, `127.0.0.1:${second.port}`],
      port: 1,
      checkpointMessages: 20,
      checkpointSeconds: 0.1,
    }
    await using sender = await startSender({ syslog, tuning: { failbackMs: 100 } })
    await sender.give(cefLines(50))
    await eventually(() => expect(second.lines).toHaveLength(50))
    expect(sender.status()).toMatchObject({ state: 'connected', target: `127.0.0.1:${second.port}` })
    await using first = await Receiver.start({ port })
    await eventually(() => expect(sender.status().target).toBe(`127.0.0.1:${port}`))
    await sender.give(cefLines(10))
    await eventually(() => expect(first.lines.length).toBeGreaterThanOrEqual(10))
    await sender.running.stop(5_000)
    expect(sender.committed()).toBe(60)
  })

  test('what the first left unconfirmed goes to the next', async () => {
    await using first = await Receiver.start({
      onMessage: (_, socket) => {
        if (first.messages.length !== 30) return
        void first.close()
        socket.destroy()
      },
    })
    await using second = await Receiver.start()
    const host = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`]
    await using sender = await startSender({ syslog: { host, port: 1 } })
    await sender.give(cefLines(100))
    await eventually(() => expect(second.lines).toHaveLength(100))
    await sender.running.stop(5_000)
    expect(second.lines).toEqual(cefLines(100))
    expect(sender.committed()).toBe(100)
  })

  test('every address of a name is tried, and the name is resolved at every connect', async () => {
    await using receiver = await Receiver.start()
    let lookups = 0
    const resolve = async () => {
      lookups++
      // Nothing listens on 127.0.0.2.
      return [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]
    }
    const syslog = { host: 'siem.example', port: receiver.port, checkpointMessages: 10 }
    await using sender = await startSender({ syslog, tuning: { resolve } })
    await sender.give(cefLines(30))
    await sender.running.stop(5_000)
    expect(receiver.lines).toEqual(cefLines(30))
    expect(lookups).toBeGreaterThanOrEqual(receiver.sockets.length)
  })
})

describe('a receiver that is not there', () => {
  test('is unreachable, with the reason and the next move', async () => {
    const port = await freePort()
    await using sender = await startSender({ syslog: { port } })
    await eventually(() => expect(sender.status().state).toBe('error'))
    expect(sender.status().lastError).toMatchObject({
      code: 'RELAY_RECEIVER_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${port} refused the connection`),
      nextMove: 'Check host, port, firewall and that the receiver is running.',
    })
    expect(await sender.metric('siem_relay_connections_total', { result: 'failed' })).toBeGreaterThan(0)
    expect(await sender.metric('siem_relay_sink_up')).toBe(0)
  })

  test('a name that does not resolve is said to be the trouble', async () => {
    const resolve = async () => Promise.reject(new Error('getaddrinfo ENOTFOUND siem.example'))
    await using sender = await startSender({ syslog: { host: 'siem.example', port: 514 }, tuning: { resolve } })
    await eventually(() => expect(sender.status().lastError?.message).toContain('siem.example did not resolve'))
  })

  test('stop ends at its time even if nobody can be reached', async () => {
    await using sender = await startSender({ syslog: { port: await freePort() } })
    await sender.give(cefLines(3))
    await sender.running.stop(20)
    expect(sender.committed()).toBe(0)
  })
})

test('a peer that talks without end is let go, not listened to', async () => {
  await using receiver = await Receiver.start({
    onConnection: (socket) => {
      const talk = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
      }
      socket.on('drain', talk)
      talk()
    },
  })
  await using sender = await startSender({ syslog: { port: receiver.port } })
  await sender.give(cefLines(1))
  await eventually(() => expect(sender.status().lastError?.message).toContain('a syslog receiver says nothing'))
})

test('a resolver that never answers is given up after connectTimeoutMs', async () => {
  const resolve = () => new Promise<never>(() => {})
  const syslog = { host: 'siem.example', port: 514, connectTimeoutMs: 100 }
  await using sender = await startSender({ syslog, tuning: { resolve } })
  await eventually(() => expect(sender.status().lastError?.message).toContain('no answer within 100 ms'))
})
