import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, openSqliteBus } from '@siem-relay/bus'
import { agentSchema, deadLettersTopic, outTopic, senderGroup } from '@siem-relay/common'
import type { RunningSenders } from '@siem-relay/delivery'
import { systemClock } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import { expect, test } from 'vitest'
import { start } from './start.ts'
import { Receiver } from './testing/receiver.ts'
import { cefLine, eventually } from './testing/sender.ts'

const topic = outTopic('siem')

async function append(bus: Bus, from: number, to: number): Promise<void> {
  const writer = await bus.writer('formatter/test')
  const records = Array.from({ length: to - from }, (_, i) => ({
    topic: topic.name,
    key: `id-${from + i}`,
    value: Buffer.from(from + i === 100 ? 'not CEF' : cefLine(from + i)),
    headers: { 'event-time-ms': '1677791402022', severity: '3', kind: 'alert' },
  }))
  await writer.commit({ records })
  await writer[Symbol.asyncDispose]()
}

function startOn(bus: Bus, port: number): Promise<RunningSenders> {
  const world = { ...testWorld({ bus }), clock: systemClock }
  const agent = agentSchema.parse({ id: 'siem', syslog: { host: '127.0.0.1', port, checkpointMessages: 200 } })
  return start({ agents: [agent] }, world, { tuning: { settleMs: { tcp: 0, tls: 0 } } })
}

test('on the embedded log every message arrives, through receiver crashes and restarts, and the dead letter is kept', async () => {
  const path = await mkdtemp(join(tmpdir(), 'siem-relay-sender-'))
  let kills = 0
  await using receiver = await Receiver.start({
    onMessage: (_, socket) => {
      if (receiver.messages.length % 701 !== 0 || kills >= 3) return
      kills++
      socket.resetAndDestroy()
    },
  })
  try {
    for (const [from, to] of [
      [0, 2_000],
      [2_000, 3_000],
    ] as const) {
      await using bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 0 })
      await bus.ensureTopics([topic])
      await append(bus, from, to)
      const sender = await startOn(bus, receiver.port)
      // The first life ends in the middle, without a drain: what it had not confirmed comes again in the second.
      const wanted = from === 0 ? 1_000 : 3_000 - 1
      await eventually(() => expect(new Set(receiver.lines).size).toBeGreaterThanOrEqual(wanted))
      await sender.stop(from === 0 ? 0 : 5_000)
      if (from === 0) continue
      const positions = await bus.positions.of(senderGroup('siem'), [topic])
      expect(positions.reduce((sum, { lag }) => sum + lag, 0)).toBe(0)
      const letters = []
      for (let partition = 0; partition < deadLettersTopic.partitions; partition++)
        for await (const letter of bus.read(deadLettersTopic, partition, 0)) letters.push(letter.value.toString())
      expect(letters).toEqual(['not CEF'])
    }
    const wanted = Array.from({ length: 3_000 }, (_, number) => number).filter((number) => number !== 100)
    expect([...new Set(receiver.lines)].sort()).toEqual(wanted.map((number) => cefLine(number)).sort())
    expect(kills).toBe(3)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
})
