/** The relay's own sender: rows out of the embedded log, held to their table, packed, sent, acknowledged in the log. An agent of its own
 *  comes first, so that what is measured is not how Node warms up. */
import { openSqliteBus } from '@siem-relay/bus'
import { outTopic, senderGroup } from '@siem-relay/common'
import { start } from '@siem-relay/sentinel-sender'
import { systemClock } from '@siem-relay/service-kit'
import { testWorld } from '@siem-relay/service-kit/testing'
import { benchAgent } from './sentinel-rows.ts'

interface Options {
  readonly path: string
  readonly sentinel: object
}

const { path, sentinel } = JSON.parse(process.argv[2] ?? '{}') as Options
const bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 0 })
const world = { ...testWorld({ bus }), clock: systemClock, random: Math.random }
const warmUp = benchAgent('warm-up', sentinel)
const agent = benchAgent('bench', sentinel)
const senders = await start({ agents: [warmUp] }, world)
await delivered('warm-up')

process.on('message', async () => {
  process.send?.({ startMs: Date.now(), cpu: process.cpuUsage() })
  await senders.update({ agents: [warmUp, agent] })
  await delivered('bench')
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() })
})
process.send?.('ready')

/** Until everything is stored and the log knows it. */
async function delivered(id: string): Promise<void> {
  for (;;) {
    const positions = await bus.positions.of(senderGroup(id), [outTopic(id)])
    if (positions.every(({ lag }) => lag === 0)) return
    await systemClock.sleep(50)
  }
}
