/** Messages that a RELP receiver answers with another code than 200. */
import { FakeClock } from '@siem-relay/service-kit/testing'
import { describe, expect, test } from 'vitest'
import { RelpServer } from '../../testing/relp-server.ts'
import { cefLine, cefLines, eventually, repeatsIn, startRelpSender } from '../../testing/sender.ts'

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
    await using sender = await startRelpSender(server.port)
    await sender.give(cefLines(50))
    await eventually(() => expect(sender.committed()).toBe(50))
    const attempts = server.readLines.filter((line) => line === cefLine(20))
    expect(attempts).toHaveLength(3)
    // Those behind it in the first window were accepted before we knew of the refusal; no later try repeats them.
    expect([...new Set(server.lines)].sort()).toEqual(
      cefLines(50)
        .filter((_, number) => number !== 20)
        .sort(),
    )
    expect(repeatsIn(server.lines)).toBeLessThanOrEqual(29)
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
    await using sender = await startRelpSender(server.port)
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
    await using sender = await startRelpSender(server.port, { windowMessagesMax: 1 }, { clock })
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
