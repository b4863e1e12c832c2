import { busConformance } from '../conformance.ts'
import { TemporaryLog } from '../testing/temporary-log.ts'

busConformance('the embedded log', async () => {
  const log = new TemporaryLog()
  return {
    open: () => log.open(),
    dispose: async () => log[Symbol.dispose](),
  }
})
