/** Which streams there are, and which of them are wanted. */
import { RelayError } from '@siem-relay/common'
import { readStream, type StreamReading } from './reading.ts'
import { priorities, quoted, type SweeperParts, urlOf } from './sweep-parts.ts'

export interface Listing {
  readonly listed: readonly StreamReading[]
  readonly selected: readonly StreamReading[]
  /** Names of the configuration that no stream has. */
  readonly missing: readonly string[]
  readonly serverMs: number
}

/** @throws {RelayError} what the reader throws. */
export async function readListing({ config, reader, limits, leftOut, clock }: SweeperParts): Promise<Listing> {
  const listed = new Map<string, StreamReading>()
  let serverMs: number | undefined
  let unnamed = 0
  const request = { url: urlOf(config), subject: 'the uploaded streams', priority: priorities.apps }
  for await (const page of reader.pages(request)) {
    serverMs ??= page.serverMs
    for (const item of page.items) {
      const stream = readStream(item)
      if (stream === undefined || (!listed.has(stream.id) && listed.size >= limits.streamsMax)) unnamed++
      else listed.set(stream.id, stream)
    }
  }
  if (unnamed > 0) leftOut('stream', unnamed, 'the uploaded streams')
  const all = Array.from(listed.values())
  const isNamed = (name: string) => (stream: StreamReading) => stream.id === name || stream.name === name
  return {
    listed: all,
    selected:
      config.streams === undefined
        ? all
        : all.filter((stream) => config.streams?.some((name) => isNamed(name)(stream))),
    missing: (config.streams ?? []).filter((name) => !all.some(isNamed(name))),
    serverMs: serverMs ?? clock.nowMs(),
  }
}

/** What to say of names of the configuration that no stream has. */
export function unknownStreams({ missing, listed }: Listing): RelayError {
  const there = listed.slice(0, 10).map(({ name }) => quoted(name))
  return new RelayError(
    'RELAY_SOURCE_REQUEST',
    `no uploaded stream is called ${missing.map(quoted).join(', ')}; there ${there.length === 0 ? 'are none' : `are ${there.join(', ')}`}${listed.length > there.length ? ', …' : ''}`,
  )
}
