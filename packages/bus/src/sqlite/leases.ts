/** Who works on a partition for a group. A second worker of the group in this process waits in line, as a member without
 *  partitions does on Kafka; other processes are kept out by the directory's lock. */

export class Leases {
  readonly #lines = new Map<string, (() => void)[]>()

  /**
   * Waits until the partition is free.
   * @returns gives it back; undefined when the signal was aborted first.
   */
  async take(group: string, logId: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    const name = `${logId} ${group}`
    const line = this.#lines.get(name)
    if (line === undefined) {
      this.#lines.set(name, [])
      return () => this.#release(name)
    }
    const isMine = await new Promise<boolean>((resolve) => {
      const grant = (): void => {
        signal.removeEventListener('abort', leave)
        resolve(true)
      }
      const leave = (): void => {
        line.splice(line.indexOf(grant), 1)
        resolve(false)
      }
      if (signal.aborted) return resolve(false)
      line.push(grant)
      signal.addEventListener('abort', leave, { once: true })
    })
    return isMine ? () => this.#release(name) : undefined
  }

  isTaken(group: string, logId: number): boolean {
    return this.#lines.has(`${logId} ${group}`)
  }

  /** The group that works on the partition, one of them if there are several. */
  readerOf(logId: number): string | undefined {
    for (const name of this.#lines.keys()) if (name.startsWith(`${logId} `)) return name.slice(name.indexOf(' ') + 1)
    return undefined
  }

  /** Whether the group works on any partition. */
  isRunning(group: string): boolean {
    for (const name of this.#lines.keys()) if (name.slice(name.indexOf(' ') + 1) === group) return true
    return false
  }

  #release(name: string): void {
    const next = this.#lines.get(name)?.shift()
    if (next === undefined) this.#lines.delete(name)
    else next()
  }
}
