/** `npm run bench [core|embedded|sentinel|kafka|views|portal]`: speed as ratios within one run: beside JSON.parse alone on the same records,
 *  and towards Sentinel beside Microsoft's own client. Not a test. */
import { benchCore } from './core.ts'
import { benchEmbedded } from './embedded.ts'
import { benchKafka } from './kafka.ts'
import { benchPortal } from './portal.ts'
import { benchSentinel } from './sentinel.ts'
import { benchSentinelLoss } from './sentinel-loss.ts'
import { benchViews } from './views.ts'

const wanted = process.argv.slice(2)
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name)

if (isWanted('core')) await benchCore()
if (isWanted('embedded')) await benchEmbedded()
if (isWanted('sentinel')) {
  await benchSentinel()
  await benchSentinelLoss()
}
// Needs Docker: only when asked for.
if (wanted.includes('kafka')) await benchKafka()
if (wanted.includes('views')) benchViews()
if (wanted.includes('portal')) await benchPortal()
