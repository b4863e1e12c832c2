/** Who wants to know of a table's changes. */

export type ChangeListener = (key: string, value: Buffer | undefined) => void

export class ChangeListeners {
  readonly #all = new Set<ChangeListener>()

  /** The returned function ends it. */
  add(listener: ChangeListener): () => void {
    // A wrapper of its own, so that one function given twice is called twice and ended one by one.
    const call: ChangeListener = (key, value) => listener(key, value)
    this.#all.add(call)
    return () => this.#all.delete(call)
  }

  /** The change is durable whatever a listener makes of it: its error surfaces on its own. */
  tell(key: string, value: Buffer | undefined): void {
    for (const listener of this.#all) {
      try {
        listener(key, value)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  clear(): void {
    this.#all.clear()
  }
}
