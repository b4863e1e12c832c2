/** Who follows a compacted topic. Told after the commit, before the committing call returns. */
import type { NewRecord } from '../port.ts'

type Listener = (records: readonly NewRecord[]) => void

export class Subscriptions {
  readonly #byTopic = new Map<string, Set<Listener>>()

  add(topic: string, listener: Listener): () => void {
    const listeners = this.#byTopic.get(topic) ?? new Set()
    this.#byTopic.set(topic, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  tell(topic: string, records: readonly NewRecord[]): void {
    for (const listener of this.#byTopic.get(topic) ?? []) listener(records)
  }
}
