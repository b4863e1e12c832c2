/** This machine's clock beside Azure's, as its answers tell it: by it tokens and certificates are valid, and times are kept. */
import type { Finding } from '../check.ts'

/** Entra allows five minutes between its clock and that of who asks. */
const failedMs = 5 * 60_000
const warningMs = 30_000

export function checkClock(dateMs: number | undefined, nowMs: number): Finding {
  if (dateMs === undefined)
    return { status: 'skipped', seen: 'no answer came that tells the time', fix: 'Look at the checks above.' }
  const skewMs = nowMs - dateMs
  const seconds = Math.round(Math.abs(skewMs) / 1_000)
  const seen = `this machine is ${seconds} s ${skewMs >= 0 ? 'ahead of' : 'behind'} Azure`
  const fix = 'Let this machine take its time from NTP (timedatectl set-ntp true).'
  if (Math.abs(skewMs) > failedMs)
    return { status: 'failed', seen: `${seen}; tokens by certificate or federation are refused beyond 300 s`, fix }
  if (Math.abs(skewMs) > warningMs) return { status: 'warning', seen, fix }
  // The header has whole seconds.
  return { status: 'ok', seen: 'within 30 s of Azure’s' }
}
