/** How a RELP session ends when the sender stops. */
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { RelpServer } from '../../testing/relp-server.ts'
import { cefLines, eventually, startRelpSender } from '../../testing/sender.ts'

describe('stop', () => {
  test('sends and confirms what is in the window, and says goodbye', async () => {
    await using server = await RelpServer.start()
    await using sender = await startRelpSender(server.port)
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
    await using sender = await startRelpSender(server.port, {}, { clock })
    await sender.give(cefLines(3))
    await eventually(() => expect(sender.committed()).toBe(3))
    await sender.running.stop(5_000)
    expect(sender.status().lastError).toBeUndefined()
  })

  test('does not wait long for a receiver that never says goodbye', async () => {
    await using server = await RelpServer.start({ onClose: () => true })
    await using sender = await startRelpSender(server.port, {}, { tuning: { goodbyeMs: 20 } })
    await sender.give(cefLines(3))
    await sender.running.stop(5_000)
    expect(sender.committed()).toBe(3)
  })

  test('leaves unanswered messages unacknowledged', async () => {
    await using server = await RelpServer.start({ onMessage: () => server.accepted.length >= 5 })
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(20))
    await eventually(() => expect(server.read).toHaveLength(20))
    await eventually(() => expect(sender.committed()).toBe(5))
    await sender.running.stop(0)
    expect(sender.committed()).toBe(5)
  })
})
