import { expect, test } from 'vitest'
import { memory, range, readAll } from '../testing/records.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'

const wide = { name: 'wide', partitions: 600, cleanup: 'delete', retentionMs: 86_400_000 } as const
const late = { name: 'late', partitions: 6, cleanup: 'delete', retentionMs: 86_400_000 } as const

/** A hundred agents have as many. `512 << 44`, the id of a batch of the 512th partition, is no safe number. */
test('a log with more than 512 partitions takes records, state and offsets, and opens again', async () => {
  using log = new TemporaryLog()
  {
    await using bus = await log.open()
    await bus.ensureTopics([wide, late])
    const writer = await bus.writer('test', memory)
    for (const round of range(3))
      await writer.commit({
        records: range(20).map((key) => ({
          topic: late.name,
          key: `${key}`,
          value: Buffer.from(`${round}`),
          headers: {},
        })),
        state: [{ key: 'round', value: Buffer.from(`${round}`) }],
      })
  }
  await using bus = await log.open()
  const read = (await readAll(bus, late)).map(({ key, value }) => `${key} ${value}`)
  expect(read.toSorted()).toEqual(
    range(3)
      .flatMap((round) => range(20).map((key) => `${key} ${round}`))
      .toSorted(),
  )
  const writer = await bus.writer('test', memory)
  expect(writer.state.get('round')?.toString()).toBe('2')
  await bus.deleteTopics([late.name])
})
