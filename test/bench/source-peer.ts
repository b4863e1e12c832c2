/** The benchmark's source: a simulated tenant full of activities, in a process of its own. */
import { createGenerator, startSimulator } from '@siem-relay/simulator'

const { count, legacyToken } = JSON.parse(process.argv[2] ?? '{}') as { count: number; legacyToken: string }
const simulator = await startSimulator({ legacyToken, requestsPerMinute: Number.POSITIVE_INFINITY, recordsMax: count })
const generator = createGenerator(7)
const startMs = Date.now() - 3_600_000 - count
for (let index = 0; index < count; index++)
  simulator.store.addActivity(generator.activity(startMs + index, startMs + index))
process.send?.({ url: simulator.url })
