/** Unacknowledged bytes of our TCP connections, as Linux shows them: `tx_queue` in /proc/self/net/tcp and tcp6, the number
 *  SIOCOUTQ returns. One read of a file answers all who asked before it began. Nothing here on other systems. */
import { readFile } from 'node:fs/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { endianness } from 'node:os'

/** A connection as its own end sees it. */
export interface ConnectionKey {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

export type ReadText = (path: string) => Promise<string>

export const procNetTcpPath = '/proc/self/net/tcp'
const procNetTcp6Path = '/proc/self/net/tcp6'

interface PendingRead {
  running: Promise<string> | undefined
  next: Promise<string> | undefined
}

export class KernelQueues {
  readonly #readText: ReadText
  readonly #reads = new Map<string, PendingRead>()

  private constructor(readText: ReadText) {
    this.#readText = readText
  }

  /** Undefined where the kernel does not show its queues. */
  static async open(readText: ReadText = (path) => readFile(path, 'latin1')): Promise<KernelQueues | undefined> {
    try {
      const text = await readText(procNetTcpPath)
      return text.includes('tx_queue') ? new KernelQueues(readText) : undefined
    } catch {
      return undefined
    }
  }

  /**
   * Bytes handed to the kernel that the peer's kernel has not acknowledged, at some moment after this call.
   * @returns undefined when the connection is not in the table (closed or reset) or the table cannot be read now.
   */
  async unacknowledgedBytes(key: ConnectionKey): Promise<number | undefined> {
    try {
      const text = await this.#read(isIPv4(key.localAddress) ? procNetTcpPath : procNetTcp6Path)
      return findTxQueue(text, key)
    } catch {
      return undefined
    }
  }

  /** A read that starts after the call: one that runs already may have passed our line. */
  #read(path: string): Promise<string> {
    const reads: PendingRead = this.#reads.get(path) ?? { running: undefined, next: undefined }
    this.#reads.set(path, reads)
    if (reads.running === undefined) return this.#start(path, reads)
    reads.next ??= reads.running.then(
      () => this.#start(path, reads),
      () => this.#start(path, reads),
    )
    return reads.next
  }

  #start(path: string, reads: PendingRead): Promise<string> {
    reads.next = undefined
    const running = this.#readText(path).finally(() => {
      if (reads.running === running) reads.running = undefined
    })
    reads.running = running
    return running
  }
}

/**
 * Finds `local_address rem_address st tx_queue:rx_queue` and returns tx_queue.
 * @see https://docs.kernel.org/networking/proc_net_tcp.html
 */
export function findTxQueue(text: string, key: ConnectionKey): number | undefined {
  const wanted = `${endpoint(key.localAddress, key.localPort)} ${endpoint(key.remoteAddress, key.remotePort)} `
  const at = text.indexOf(wanted)
  if (at < 0) return undefined
  const afterState = at + wanted.length + 3
  const queue = Number.parseInt(text.slice(afterState, text.indexOf(':', afterState)), 16)
  return Number.isNaN(queue) ? undefined : queue
}

/** An address as the kernel prints it: 32-bit words in the machine's byte order, upper-case hex, then the port. */
function endpoint(address: string, port: number): string {
  const bytes = addressBytes(address)
  const words: string[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.slice(at, at + 4)
    if (endianness() === 'LE') word.reverse()
    words.push(...word.map((byte) => byte.toString(16).padStart(2, '0')))
  }
  return `${words.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}

function addressBytes(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number)
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain)) return []
  const [head = '', tail] = plain.split('::')
  const front = groupBytes(head)
  const back = tail === undefined ? [] : groupBytes(tail)
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]
}

/** Bytes of colon-separated groups, the last of which may be an IPv4 address. */
function groupBytes(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (isIPv4(group)) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
