/** Processes beside the relay in a benchmark: they share the machine's cores, as they do in life. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface Peer<Ready> {
  readonly ready: Ready
  next<Message>(): Promise<Message>
  send(message: object | string): void
  kill(): void
}

/** Starts a peer and waits for its first message. */
export async function startPeer<Ready>(file: string, options: object): Promise<Peer<Ready>> {
  const child = fork(join(import.meta.dirname, file), [JSON.stringify(options)])
  const next = async <Message>(): Promise<Message> => ((await once(child, 'message')) as [Message])[0]
  return {
    ready: await next<Ready>(),
    next,
    send: (message) => child.send(message),
    kill: () => child.kill('SIGKILL'),
  }
}
