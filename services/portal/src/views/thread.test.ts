import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pack } from './packed.ts'
import { batchOf, today } from './testing/rows.ts'
import { ViewsThread } from './thread.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'siem-relay-views-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const limits = { retentionDays: 90, discoveryRowsMax: 100_000 }
const row = { id: 'one', tenant: 'contoso', day: today, stream: 'all', app: 1, uploaded: 1, downloaded: 0, events: 1 }
const topic = 'raw.contoso.discovery'

describe('ViewsThread', () => {
  test('what goes wrong in the thread is the error of the call, and the thread goes on', async () => {
    const thread = new ViewsThread({ path: join(folder, 'views.db'), limits })
    await expect(thread.call('apps', [{} as never])).rejects.toThrow()
    expect(await thread.call('position', [topic, 0])).toBe(0)
    await thread.close()
  })

  test('a file that cannot be opened is an error of every call, until it can', async () => {
    const path = join(folder, 'later', 'views.db')
    const thread = new ViewsThread({ path, limits })
    await expect(thread.call('position', [topic, 0])).rejects.toThrow()
    mkdirSync(join(folder, 'later'))
    expect(await thread.call('apply', [pack(batchOf([row], 0))])).toMatchObject({ outcome: 'applied' })
    await thread.close()
  })

  test('more calls than may wait are refused; closing refuses all that come after', async () => {
    const thread = new ViewsThread({ path: join(folder, 'views.db'), limits })
    const calls = Array.from({ length: 101 }, () => thread.call('position', [topic, 0]))
    await expect(calls.at(-1)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 })
    await Promise.all(calls.slice(0, 100))
    await thread.close()
    await expect(thread.call('position', [topic, 0])).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('so many downloads at a time; one that ends makes room', async () => {
    const thread = new ViewsThread({ path: join(folder, 'views.db'), limits })
    await thread.call('apply', [pack(batchOf([row], 0))])
    const query = { fromDay: today, toDay: today, sort: 'traffic', offset: 0, limit: 10 } as const
    const ids: (number | undefined)[] = []
    for (let n = 0; n < 5; n++) ids.push(await thread.call('openExport', ['apps', query]))
    expect(ids.map((id) => id !== undefined)).toEqual([true, true, true, true, false])
    expect(await thread.call('readExport', [ids[0] ?? 0, 10])).toHaveLength(1)
    await thread.call('closeExport', [ids[0] ?? 0])
    expect(await thread.call('openExport', ['apps', query])).toBeDefined()
    await thread.close()
  })
})
