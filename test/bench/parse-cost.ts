/** The yardstick of every benchmark: JSON.parse alone on the same records in the same run. */
import { benchRecords, meanBytes } from './records.ts'

/** CPU microseconds of JSON.parse on one of the benchmark's records. */
export function parseCost(): number {
  const records = benchRecords('activity', 20_000)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage()
    for (const record of records) JSON.parse(record.toString('utf8'))
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / records.length)
  }
  process.stdout.write(`records of ${meanBytes(records)} bytes on average\n`)
  return best
}
