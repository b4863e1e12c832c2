/** One list, of users or of addresses: who is new is told, batch by batch, together with the set of those known. */
import type { StateChange } from '@siem-relay/bus'
import type { Ledger, Place } from './ledger.ts'
import { addName, compareNames, nameCount } from './names.ts'
import { type List, readName } from './reading.ts'
import { nameRecord } from './rows.ts'
import { batchMax, contextOf, priorities, quoted, type SweeperParts, type Task, urlOf } from './sweep-parts.ts'

/** @throws {RelayError} what the reader throws; nothing is told of a list that was not read to its end or its bound. */
export async function readList(parts: SweeperParts, list: List, task: Task): Promise<void> {
  const { config, reader, limits, ledger, commit, leftOut } = parts
  const { stream, app, place } = task
  const listed = new Map<string, string>()
  const words = list === 'users' ? 'users' : 'IP addresses'
  const subject = `${words} of the app ${quoted(app.name)} in the stream ${quoted(stream.name)}`
  const request = { url: urlOf(config, stream, app, list), subject, priority: priorities.lists }
  let isWhole = true
  for await (const page of reader.pages(request)) {
    for (const item of page.items) {
      const name = readName(list, item)
      if (name === '') continue
      addName(listed, name)
      if (listed.size > limits.namesMax) isWhole = false
      if (!isWhole) break
    }
    if (!isWhole) break
  }
  const before = ledger.namesIn(list, place)
  const room = Math.min(limits.namesMax, limits.allNamesMax - ledger.names + nameCount(before))
  const step = compareNames(before, listed, isWhole, room)
  if (step.leftOut > 0) leftOut(list === 'users' ? 'user' : 'ip_address', step.leftOut, subject)
  for (let start = 0; ; start += batchMax) {
    const end = Math.min(start + batchMax, step.fresh.length)
    const isLast = end === step.fresh.length
    const names = ledger.changesToNames(list, place, step.after(end))
    await commit({
      records: step.fresh.slice(start, end).map((name) => nameRecord(list, name, contextOf(parts, task))),
      state: isLast ? [...names, ...withoutDue(ledger, list, place)] : names,
    })
    if (isLast) break
  }
}

function withoutDue(ledger: Ledger, list: List, place: Place): readonly StateChange[] {
  const baseline = ledger.baseline(place)
  if (baseline === undefined) return []
  const { [list]: _, ...due } = baseline.due
  return ledger.changesTo(place, { ...baseline, due })
}
