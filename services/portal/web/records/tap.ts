/** The live tap: server-sent events into a list with a bound. What a slow reader cannot take is counted, not kept. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Tapped } from '../../src/contract/records.ts'
import { type Query, urlOf } from '../lib/api.ts'

export interface TappedRecord extends Tapped {
  /** Rises with every record, so that lists have a key. */
  readonly number: number
}

interface Tap {
  readonly records: readonly TappedRecord[]
  readonly dropped: number
  readonly connection: 'paused' | 'connecting' | 'open' | 'lost' | 'ended'
  /** Why it has ended. */
  readonly reason: string | undefined
  readonly clear: () => void
}

const recordsMax = 200
/** Records are shown so often, however fast they come. */
const showEveryMs = 250

export function useTap(query: Query, isRunning: boolean): Tap {
  const [records, setRecords] = useState<readonly TappedRecord[]>([])
  const [dropped, setDropped] = useState(0)
  const [connection, setConnection] = useState<Tap['connection']>('paused')
  const [reason, setReason] = useState<string | undefined>(undefined)
  const count = useRef(0)
  const address = urlOf('/tap', query)
  useEffect(() => {
    if (!isRunning) return setConnection('paused')
    setConnection('connecting')
    setReason(undefined)
    let waiting: TappedRecord[] = []
    let lost = 0
    const source = new EventSource(address)
    const show = setInterval(() => {
      if (waiting.length > 0) {
        const newest = waiting.toReversed()
        waiting = []
        setRecords((known) => [...newest, ...known].slice(0, recordsMax))
      }
      if (lost > 0) {
        const more = lost
        lost = 0
        setDropped((known) => known + more)
      }
    }, showEveryMs)
    source.addEventListener('open', () => setConnection('open'))
    source.addEventListener('error', () => setConnection('lost'))
    // After it a page does not come back by itself.
    source.addEventListener('end', (event) => {
      source.close()
      setReason(read<{ reason: string }>(event)?.reason)
      setConnection('ended')
    })
    source.addEventListener('record', (event) => {
      const record = read<Tapped>(event)
      if (record === undefined) return
      waiting.push({ ...record, number: ++count.current })
      if (waiting.length > recordsMax) {
        waiting.shift()
        lost++
      }
    })
    source.addEventListener('dropped', (event) => {
      lost += read<{ records: number }>(event)?.records ?? 0
    })
    return () => {
      clearInterval(show)
      source.close()
    }
  }, [address, isRunning])
  const clear = () => {
    setRecords([])
    setDropped(0)
  }
  return { records, dropped, connection, reason, clear }
}

function read<T>(event: MessageEvent): T | undefined {
  try {
    return JSON.parse(event.data as string) as T
  } catch {
    return undefined
  }
}
