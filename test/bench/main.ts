/** `npm run bench [core|embedded|kafka|views]`: speed as ratios within one run, beside JSON.parse alone on the same records. Not a test. */
import { benchCore } from './core.ts'
import { benchEmbedded } from './embedded.ts'
import { benchKafka } from './kafka.ts'
import { benchViews } from './views.ts'

const wanted = process.argv.slice(2)
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name)

if (isWanted('core')) await benchCore()
if (isWanted('embedded')) await benchEmbedded()
// Needs Docker: only when asked for.
if (wanted.includes('kafka')) await benchKafka()
if (wanted.includes('views')) benchViews()
