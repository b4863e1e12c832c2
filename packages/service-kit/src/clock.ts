/** The real clock. Everything else takes a `Clock`, so that a test can say "an hour later" (testing/fake-clock.ts). */
import type { Clock } from '@siem-relay/common'

/** Node fires a longer timer after 1 ms (https://nodejs.org/api/timers.html), so longer waits are cut into pieces. */
const timerMsMax = 2_147_483_647

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),

  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const cancel = startTimer(ms, true, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      function onAbort(): void {
        cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },

  after: (ms, callback) => startTimer(ms, false, callback),
}

function startTimer(ms: number, keepsProcessAlive: boolean, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = (restMs: number): void => {
    const pieceMs = Math.min(restMs, timerMsMax)
    timer = setTimeout(() => (restMs > pieceMs ? arm(restMs - pieceMs) : callback()), pieceMs)
    if (!keepsProcessAlive) timer.unref()
  }
  arm(Math.max(0, ms))
  return () => clearTimeout(timer)
}
