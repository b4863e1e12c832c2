/** A process for lifecycle-signals.test.ts: runs until a signal; `hang` in its arguments means that it never drains. */
import { runProcess } from '../lifecycle.ts'

await runProcess({
  start: async () => {
    process.stdout.write('started\n')
    return {
      failed: new Promise<never>(() => undefined),
      stop: async () => {
        process.stdout.write('stopping\n')
        if (process.argv.includes('hang')) await new Promise(() => undefined)
      },
      [Symbol.asyncDispose]: async () => undefined,
    }
  },
})
