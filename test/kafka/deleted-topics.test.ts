/** Topics that one process deletes while another one has worked with them. */
import { randomUUID } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { readTexts, record, single } from '../../packages/bus/src/conformance/harness.ts'
import { openTestBus } from '../support/kafka-bus.ts'

const broker = inject('kafka')

test.skipIf(broker === undefined)(
  'a topic another process deleted is made anew for whoever makes sure of it',
  async () => {
    const prefix = `d-${randomUUID().slice(0, 8)}.`
    await using relay = await openTestBus(broker as string, prefix)
    await using command = await openTestBus(broker as string, prefix)
    const write = async (key: string): Promise<void> => {
      await using writer = await relay.writer('relay')
      await writer.commit({ records: [record(single, key, key)] })
    }
    await relay.ensureTopics([single])
    await write('before')
    await command.deleteTopics([single.name])
    await relay.ensureTopics([single])
    await write('after')
    expect(await readTexts(relay, single)).toEqual(['after'])
  },
)
