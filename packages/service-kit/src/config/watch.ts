/** Notices that files changed, by looking at them: a look finds an edit in place, a file renamed over another, a swapped link
 *  (Kubernetes) and a change on the other side of a bind mount (Docker), where notifications of the system miss some. */
import { statSync } from 'node:fs'
import type { Clock } from '@siem-relay/common'

const lookMs = 1_000
/** A file that is being written is let alone until it has stood still for this long. */
const settleMs = 300

/** How files stand: a text that is another one when any of them changed. Links are followed. */
export function stampOf(paths: readonly string[]): string {
  return paths.map((path) => `${path} ${standing(path)}`).join('\n')
}

function standing(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}

/**
 * Waits until the files do not stand as they did, and stand still.
 * @param since `stampOf` of the same paths.
 * @throws the signal's reason when it is aborted.
 */
export async function nextChange(
  paths: readonly string[],
  since: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  let last = since
  for (;;) {
    const now = stampOf(paths)
    if (now !== since && now === last) return
    last = now
    await clock.sleep(now === since ? lookMs : settleMs, signal)
  }
}
