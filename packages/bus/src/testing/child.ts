/** A process of its own that opens a log and works on it until it is killed, for tests of locks and crashes.
 *  Arguments: directory, `hold` or `work`. Prints a line for every fact the test waits for. */
import { writeSync } from 'node:fs'
import { openSqliteBus } from '../sqlite/open.ts'
import { input, memory, numbers, output } from './records.ts'
import { systemClock } from './system-clock.ts'

const [path = '', task] = process.argv.slice(2)
const bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 1_000_000 })
await bus.ensureTopics([input, output, memory])
writeSync(1, 'open\n')

if (task === 'work') {
  bus.stage({
    group: 'copier',
    inputs: [input],
    batchRecordsMax: 7,
    batchBytesMax: 100_000,
    open: () => ({
      process: (batch) => ({
        records: batch.map(({ key, value }) => ({ topic: output.name, key, value, headers: {} })),
      }),
    }),
  })
  const writer = await bus.writer('numbers', memory)
  // The next number is the state: records and state agree after every crash, or the numbers show it.
  for (let next = Number(writer.state.get('next')?.toString() ?? 0); ; ) {
    const count = 1 + (next % 9)
    const state = [{ key: 'next', value: Buffer.from(String(next + count)) }]
    await writer.commit({ records: numbers(next, count, 'x'.repeat(next % 700)), state })
    next += count
    writeSync(1, `${next}\n`)
  }
}
setInterval(() => undefined, 1000)
