/** What Cloud Discovery saw in the demo's tenant: a month of it at first, then some rows a minute, as files in a directory that a
 *  `discovery-intake` source reads. A minute's rows are the same whenever they are written, so that nothing is taken twice. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '@siem-relay/bus'
import { describeError, RelayError } from '@siem-relay/common'
import { createGenerator } from '@siem-relay/simulator'

const dayMs = 86_400_000
const minuteMs = 60_000
const pastDays = 30
const rowsPerDay = 120
const rowsPerMinute = 3

export interface DiscoveryOptions {
  readonly directory: string
  /** When the tenant's life began. */
  readonly startMs: number
  readonly nowMs: () => number
}

/**
 * The returned function ends it.
 * @throws {RelayError} `RELAY_USAGE` for a directory that cannot be made or written to.
 */
export function fillDiscovery({ directory, startMs, nowMs }: DiscoveryOptions): () => void {
  try {
    makeDirectory(directory, 0o700)
    writeRows(directory, 'past', pastRows(startMs))
  } catch (cause) {
    throw new RelayError(
      'RELAY_USAGE',
      `files of Cloud Discovery cannot be written to ${directory} (${describeError(cause)}): name a directory that this user may write to`,
      { cause },
    )
  }
  let written = -1
  const tick = (): void => {
    const minute = Math.floor((nowMs() - startMs) / minuteMs)
    if (minute === written) return
    written = minute
    writeRows(directory, `minute-${minute}`, rowsOf(minute + 1, rowsPerMinute, startMs + minute * minuteMs, minuteMs))
  }
  tick()
  const timer = setInterval(tick, 1_000)
  return () => clearInterval(timer)
}

function pastRows(startMs: number): readonly object[] {
  return Array.from({ length: pastDays }, (_, day) =>
    rowsOf(-day - 1, rowsPerDay, startMs - (pastDays - day) * dayMs, dayMs),
  ).flat()
}

function rowsOf(seed: number, count: number, fromMs: number, lengthMs: number): readonly object[] {
  const generator = createGenerator(seed)
  return Array.from({ length: count }, (_, index) =>
    generator.discovery(fromMs + Math.floor((index * lengthMs) / count)),
  )
}

/** Under another name until it is whole. */
function writeRows(directory: string, name: string, rows: readonly object[]): void {
  const path = join(directory, `${name}.ndjson`)
  writeFileSync(`${path}.tmp`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  renameSync(`${path}.tmp`, path)
}
