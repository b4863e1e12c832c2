/** A bus whose commits a test sees and may refuse, and whose log takes records or not as the test says. */
import type { Bus, Writer } from '@siem-relay/bus'

export interface BusWatch {
  /** Before a commit; what it throws, the commit throws. */
  beforeCommit(): void
  committed(): void
  /** Whether the log takes records. */
  isOpen(): boolean
}

export function watchedBus(bus: Bus, watch: BusWatch): Bus {
  const writerOf = (writer: Writer): Writer => ({
    state: writer.state,
    commit: async (changes) => {
      watch.beforeCommit()
      await writer.commit(changes)
      watch.committed()
    },
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  })
  return new Proxy(bus, {
    get: (target, name) => {
      if (name === 'writer') return async (...args: Parameters<Bus['writer']>) => writerOf(await target.writer(...args))
      if (name === 'intake') return () => (watch.isOpen() ? { open: true } : { open: false, reason: 'disk is full' })
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
