/** A process of its own that fills a file of views until it is killed. Arguments: the file. Prints where it stands after every batch. */
import { writeSync } from 'node:fs'
import { ViewsStore } from '../store.ts'
import { batchOf, today } from './rows.ts'

const [path = ''] = process.argv.slice(2)
const store = new ViewsStore(path, { retentionDays: 90, discoveryRowsMax: 1_000_000 })
const topic = 'raw.contoso.discovery'
writeSync(1, 'open\n')
// Row n says n: sums tell what was counted, and the position what should have been.
for (let next = store.position(topic, 0); ; ) {
  const rows = Array.from({ length: 1 + (next % 40) }, (_, index) => ({
    id: `row-${next + index}`,
    tenant: 'contoso',
    day: today - ((next + index) % 30),
    stream: 'all',
    app: (next + index) % 50,
    user: `user ${(next + index) % 200}`,
    uploaded: next + index,
    downloaded: 1,
    events: 1,
  }))
  store.apply(batchOf(rows, next))
  next += rows.length
  writeSync(1, `${next}\n`)
}
