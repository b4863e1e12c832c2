/** `siem-relay receiver`: prints every syslog message it receives, for demos and for looking at what a relay sends. */
import { formatListen, parseListen, runProcess } from '@siem-relay/service-kit'
import { startDatagramReceiver } from '../receiver/datagrams.ts'
import { startReceiver } from '../receiver/receiver.ts'
import type { Terminal } from '../terminal.ts'

export interface ReceiverCommandOptions {
  readonly listen: string
  readonly protocol: 'tcp' | 'udp'
}

export async function receiver({ listen, protocol }: ReceiverCommandOptions, terminal: Terminal): Promise<void> {
  const note = (sentence: string): void => {
    terminal.stderr.write(`siem-relay receiver: ${sentence}\n`)
  }
  // A closed pipe shows in the callback of a write; unhandled, its event would end the process with a stack.
  terminal.stdout.on('error', () => undefined)
  const code = await runProcess({
    start: async () => {
      const start = protocol === 'tcp' ? startReceiver : startDatagramReceiver
      const running = await start({ listen: parseListen(listen), output: terminal.stdout, note })
      note(`listens on ${protocol}://${formatListen(running.listen)}. Ctrl-C stops.`)
      return {
        failed: running.failed,
        stop: () => Promise.resolve(running[Symbol.asyncDispose]()),
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      }
    },
  })
  terminal.setExitCode(code)
}
