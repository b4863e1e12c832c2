/** How far a replay is, in records: its topic holds markers of transactions beside them. */
import { randomUUID } from 'node:crypto'
import { type ReplayJob, replaySenderGroup, replayTopic } from '@siem-relay/common'
import { LocalControl } from '@siem-relay/control'
import { systemClock, writeJobs } from '@siem-relay/service-kit'
import { expect, inject, test } from 'vitest'
import { openTestBus } from '../support/kafka-bus.ts'

const broker = inject('kafka')

test.skipIf(broker === undefined)('a replay that runs tells the messages that went out', async () => {
  await using bus = await openTestBus(broker as string, `progress-${randomUUID().slice(0, 8)}.`)
  const job: ReplayJob = {
    kind: 'replay',
    id: 'job-1',
    agent: 'soc',
    source: 'letters',
    fromMs: 0,
    toMs: 1,
    stretches: [],
    records: 20,
    messagesPerSecondMax: 1,
    mark: false,
    createdMs: 0,
    state: 'running',
    isCleared: false,
  }
  const topic = replayTopic(job.id)
  await bus.ensureTopics([topic])
  await writeJobs({ bus }, 'test', [job])
  {
    await using writer = await bus.writer('messages')
    for (let n = 0; n < job.records; n++)
      await writer.commit({ records: [{ topic: topic.name, key: `k${n}`, value: Buffer.from('x'), headers: {} }] })
  }
  // kafkajs does not wait for the coordinator of a group that is loading.
  await bus.positions.of(replaySenderGroup(job.id), [topic])
  let delivered = 0
  for (const { partition, start, end } of (await bus.positions.bounds([topic])).slice(0, 3)) {
    for await (const { offset } of bus.read(topic, partition, start)) delivered += offset < end ? 1 : 0
    await bus.positions.set(replaySenderGroup(job.id), topic, partition, end)
  }
  const config = () => ({ agents: [], sources: [] })
  const control = new LocalControl({ bus, clock: systemClock, config, version: '1', hostName: 'relay' })
  expect(delivered).toBeGreaterThan(5)
  expect(await control.replays()).toMatchObject([{ replayed: delivered }])
})
