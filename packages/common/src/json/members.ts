/** Where the parts of a JSON object or list lie, whose grammar was checked before. */
import { skipColon, skipSpace, skipString, skipValue } from './scan.ts'

export interface Range {
  readonly start: number
  readonly end: number
}

/** The members of the object at `at`, which is known to be well formed. Of repeated names the last one counts, as in JSON.parse. */
export function membersOf(body: Buffer, at: number): ReadonlyMap<string, Range> {
  const members = new Map<string, Range>()
  let i = skipSpace(body, at + 1)
  while (body[i] === 0x22) {
    const behindName = skipString(body, i)
    const name = JSON.parse(body.toString('utf8', i, behindName)) as string
    const start = skipColon(body, behindName)
    const end = skipValue(body, start, 0)
    members.set(name, { start, end })
    i = skipSpace(body, end)
    if (body[i] !== 0x2c) break
    i = skipSpace(body, i + 1)
  }
  return members
}

/** The items of the list at `at`, which is known to be well formed. */
export function itemsOf(body: Buffer, at: number): readonly Range[] {
  const items: Range[] = []
  let start = skipSpace(body, at + 1)
  while (body[start] !== 0x5d) {
    const end = skipValue(body, start, 0)
    items.push({ start, end })
    const next = skipSpace(body, end)
    if (body[next] !== 0x2c) break
    start = skipSpace(body, next + 1)
  }
  return items
}
