/** A page on a terminal that is drawn again and again, and goes as if it had never been there. */
import type { Terminal } from '../terminal.ts'
import type { MarkedLine } from './text.ts'

export interface Screen extends Disposable {
  readonly rows: number
  draw(lines: readonly MarkedLine[]): void
}

const csi = '\u001b['
const codes = { title: `${csi}1m`, trouble: `${csi}31m` } as const

/** Whether a person looks there, at something that can be drawn on. */
export function isScreen({ stdout, env }: Terminal): boolean {
  return stdout.isTTY === true && env.TERM !== 'dumb'
}

/** https://no-color.org: set and not empty. */
function hasColour({ env }: Terminal): boolean {
  return env.NO_COLOR === undefined || env.NO_COLOR === ''
}

/** @param onQuit q, Ctrl-C, or a signal; the caller ends, and what it took is given back when it does. */
export function openScreen(terminal: Terminal, onQuit: () => void): Screen {
  const { stdin, stdout } = terminal
  const isColoured = hasColour(terminal)
  const onKey = (chunk: Buffer): void => {
    if (/[qQ\u0003\u0004]/.test(chunk.toString('latin1'))) onQuit()
  }
  const unlisten = terminal.onInterrupt(onQuit)
  const isRaw = stdin.isTTY === true && stdin.setRawMode !== undefined
  // The alternate page, so that what stood there comes back; no cursor.
  stdout.write(`${csi}?1049h${csi}?25l`)
  stdout.on('error', onQuit)
  if (isRaw) {
    stdin.setRawMode?.(true)
    stdin.on('data', onKey)
  }
  return {
    get rows() {
      return stdout.rows ?? 24
    },
    draw(lines) {
      const columns = stdout.columns ?? 80
      const shown = lines.slice(0, stdout.rows ?? 24).map(({ text, mark }) => {
        const cut = text.slice(0, columns)
        return mark === undefined || !isColoured ? cut : `${codes[mark]}${cut}${csi}0m`
      })
      stdout.write(`${csi}H${shown.map((line) => `${line}${csi}K`).join('\r\n')}${csi}J`)
    },
    [Symbol.dispose]() {
      if (isRaw) {
        stdin.off('data', onKey)
        stdin.setRawMode?.(false)
        stdin.pause()
      }
      stdout.write(`${csi}?25h${csi}?1049l`)
      stdout.off('error', onQuit)
      unlisten()
    },
  }
}
