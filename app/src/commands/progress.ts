/** Progress of long work on standard error: a bar where a person looks, a line for every tenth elsewhere. */
import type { Terminal } from '../terminal.ts'

const barWidth = 30

export interface Progress {
  /** @param share 0 to 1. */
  show(share: number, text: string): void
  /** Ends the bar's line. */
  end(): void
}

export function createProgress({ stderr }: Pick<Terminal, 'stderr'>): Progress {
  return stderr.isTTY === true ? bar(stderr) : lines(stderr)
}

function bar(stderr: Terminal['stderr']): Progress {
  let isOpen = false
  return {
    show(share, text) {
      const done = Math.round(share * barWidth)
      stderr.write(`\r[${'#'.repeat(done)}${'.'.repeat(barWidth - done)}] ${percent(share)} ${text}\u001b[K`)
      isOpen = true
    },
    end() {
      if (isOpen) stderr.write('\n')
      isOpen = false
    },
  }
}

function lines(stderr: Terminal['stderr']): Progress {
  let lastTenth = -1
  return {
    show(share, text) {
      const tenth = Math.floor(share * 10)
      if (tenth === lastTenth) return
      lastTenth = tenth
      stderr.write(`${percent(share)} ${text}\n`)
    },
    end() {},
  }
}

/** Rounded down: what is not done is not 100 %. */
function percent(share: number): string {
  return `${String(Math.floor(share * 100)).padStart(3)} %`
}
