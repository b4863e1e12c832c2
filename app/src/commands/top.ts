/** `siem-relay top`: what comes in, goes out and waits at each stage; drawn again and again where a person looks, once elsewhere. */
import { printableJson } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import type { Terminal } from '../terminal.ts'
import { isScreen, openScreen } from '../top/screen.ts'
import { type MarkedLine, topLines } from '../top/text.ts'
import { type Looking, lookAtAll, type TopView } from '../top/view.ts'
import { type ControlOptions, withControl } from './with-control.ts'

export interface TopOptions extends ControlOptions {
  readonly once?: boolean
  readonly json?: boolean
  /** Seconds over which rates are measured, and between two pages. */
  readonly interval: number
}

/** @throws {RelayError} `RELAY_CONTROL_FAILED`, and what opening the log throws. */
export async function top(options: TopOptions, terminal: Terminal): Promise<void> {
  await withControl(options, terminal, async ({ control, isAlone }) => {
    const looking: Looking = {
      // Where no relay runs nothing moves: no need to wait for it.
      windowMs: isAlone ? 0 : options.interval * 1_000,
      nowMs: Date.now,
      monotonicMs: () => systemClock.monotonicMs(),
    }
    if (options.json === true) {
      terminal.stdout.write(`${printableJson(await lookAtAll(control, looking))}\n`)
      return
    }
    if (isAlone) terminal.stderr.write('No relay runs on this log: nothing moves.\n')
    if (options.once === true || isAlone || !isScreen(terminal)) {
      const view = await lookAtAll(control, looking)
      const lines = topLines(view, Number.POSITIVE_INFINITY)
      terminal.stdout.write(`${lines.map(({ text }) => text).join('\n')}\n`)
      return
    }
    await watch(() => lookAtAll(control, looking), options.interval, terminal)
  })
}

async function watch(look: () => Promise<TopView>, interval: number, terminal: Terminal): Promise<void> {
  const quitting = new AbortController()
  const quit = new Promise<undefined>((resolve) => quitting.signal.addEventListener('abort', () => resolve(undefined)))
  using screen = openScreen(terminal, () => quitting.abort())
  screen.draw([{ text: 'siem-relay top: measuring …   q quits', mark: 'title' }])
  while (!quitting.signal.aborted) {
    const looked = look()
    // Left alone when the user quits first: its trouble is nobody's any more.
    looked.catch(() => undefined)
    const view = await Promise.race([looked, quit])
    if (view === undefined) return
    screen.draw([headOf(view, interval), { text: '' }, ...topLines(view, screen.rows - 2)])
  }
}

function headOf({ atMs }: TopView, interval: number): MarkedLine {
  const time = new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
  return { text: `siem-relay top  ${time}  every ${interval} s, q quits`, mark: 'title' }
}
