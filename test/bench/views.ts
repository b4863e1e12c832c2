/** `npm run bench views`: the portal's read models over a million discovery rows: time to fill, size of the file, time of each answer. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch } from '../../services/portal/src/views/model.ts'
import { ViewsStore } from '../../services/portal/src/views/store.ts'

const rowsMax = 1_000_000
const batchRows = 1_000
const dayMs = 86_400_000
const days = 90

/** Every row is another one. People have some thirty apps, of a few hundred, and two addresses.
 *  @param share how far the row is through the days. */
export function discoveryRow(share: number, nowMs: number): object {
  const any = (below: number): number => Math.floor(Math.random() * below)
  const user = any(5_000)
  const app = (user * 7 + any(30) * 11) % 600
  return {
    TimeGenerated: new Date(timeAt(share, nowMs)).toISOString(),
    StreamName: `Stream ${any(4)}`,
    TotalEvents: any(50),
    UploadedBytes: any(1_000_000),
    DownloadedBytes: any(1_000_000),
    IpAddress: `10.${user % 250}.${any(2)}.7`,
    UserName: `user${user}@contoso.com`,
    AppName: `App ${app}`,
    AppId: app,
    AppCategory: `Category ${app % 20}`,
    AppTags: app % 3 === 0 ? ['sanctioned'] : [],
    AppScore: app % 11,
  }
}

function timeAt(share: number, nowMs: number): number {
  return nowMs - (days - 1 - Math.floor(share * days)) * dayMs
}

function batchAt(from: number, nowMs: number): Batch {
  const share = from / rowsMax
  const records = Array.from({ length: batchRows }, (_, index) => {
    const value = Buffer.from(JSON.stringify(discoveryRow(share, nowMs)))
    return { key: `row-${from + index}`, headers: {}, offset: from + index, appendedMs: timeAt(share, nowMs), value }
  })
  return { topic: 'raw.contoso.discovery', partition: 0, from, next: from + batchRows, records }
}

export function benchViews(): void {
  const folder = mkdtempSync(join(tmpdir(), 'siem-relay-views-'))
  const path = join(folder, 'portal-views.db')
  const store = new ViewsStore(path, { retentionDays: days, discoveryRowsMax: 5_000_000 })
  try {
    const nowMs = Date.now()
    let fillMs = 0
    for (let from = 0; from < rowsMax; from += batchRows) {
      const batch = batchAt(from, nowMs)
      const atMs = performance.now()
      store.apply(batch)
      fillMs += performance.now() - atMs
    }
    const today = Math.floor(nowMs / dayMs)
    console.log(
      `views: ${rowsMax} rows in ${(fillMs / 1_000).toFixed(1)} s, ${Math.round(statSync(path).size / 1e6)} MB of file`,
    )
    for (const lookBack of [30, days]) {
      const query = { fromDay: today - lookBack + 1, toDay: today, sort: 'traffic', offset: 0, limit: 50 } as const
      const answers = {
        summary: () => store.summary(query),
        apps: () => store.apps(query),
        users: () => store.entities('users', query),
        'users, searched': () => store.entities('users', { ...query, search: 'r77' }),
        'ip addresses': () => store.entities('ipAddresses', query),
        'one user': () => store.apps({ ...query, user: 'user7@contoso.com' }),
        usage: () => store.usage(query),
        'export of users': () => [...store.export('users', { ...query, limit: rowsMax })],
      }
      for (const [name, ask] of Object.entries(answers)) {
        const atMs = performance.now()
        const before = process.cpuUsage()
        ask()
        const { user, system } = process.cpuUsage(before)
        const tookMs = Math.round(performance.now() - atMs)
        console.log(`  ${lookBack} days, ${name}: ${tookMs} ms, ${Math.round((user + system) / 1_000)} ms of processor`)
      }
    }
    console.log(`  resident memory of this process: ${Math.round(process.memoryUsage().rss / 1e6)} MB`)
  } finally {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
