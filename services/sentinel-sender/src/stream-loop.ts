/** One stream of an agent: rows wait here until they fill a request or have waited long enough, then go out, a few requests at a
 *  time. Knows no HTTP and no log. */
import type { Clock, EventKind, SentinelDestination } from '@siem-relay/common'
import { Bell } from '@siem-relay/delivery'
import { type DeliveryPorts, deliver, type StreamMemory } from './delivery.ts'
import { type Packed, packRaw, packWire } from './packing.ts'
import { RowQueue } from './queue.ts'

type Settings = Pick<SentinelDestination, 'packing' | 'requestBytesMax' | 'lingerSeconds' | 'concurrency'>

export interface StreamLoopOptions {
  readonly kind: EventKind
  readonly settings: Settings
  readonly clock: Clock
  readonly ports: DeliveryPorts
}

/** Rows shrink to about this before the first request has told. */
const ratioAtFirst = 1 / 6

export class StreamLoop {
  readonly kind: EventKind
  readonly queue = new RowQueue()
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #ports: DeliveryPorts
  readonly #bell: Bell
  readonly #memory: StreamMemory = { poisonRun: 0 }
  readonly #underWay = new Set<Promise<void>>()
  /** When the oldest row that waits came, on the monotonic clock. */
  #waitingSinceMs: number | undefined
  #ratio = ratioAtFirst
  #isDraining = false
  #isHurried = false

  constructor({ kind, settings, clock, ports }: StreamLoopOptions) {
    this.kind = kind
    this.#settings = settings
    this.#clock = clock
    this.#ports = ports
    this.#bell = new Bell(clock)
    this.queue.onPush(() => {
      // The first row sets the alarm, a full request goes out at once; those between change nothing.
      const isFirst = this.#waitingSinceMs === undefined
      this.#waitingSinceMs ??= clock.monotonicMs()
      if (isFirst || this.#isFull) this.#bell.ring()
    })
  }

  /** Sends until the signal of its ports is aborted. @throws what is no answer of Azure's: a mistake. */
  async run(): Promise<void> {
    const { signal } = this.#ports
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => undefined)
    const wake = (): void => this.#bell.ring()
    signal.addEventListener('abort', wake, { once: true })
    try {
      while (!signal.aborted) {
        if (!this.#mayGo) {
          await Promise.race([this.#bell.wait(this.#goAtMs), failure.promise])
          continue
        }
        const packed = await this.#pack()
        if (packed === undefined) continue
        const delivery = deliver(packed, this.#memory, this.#ports)
          .catch((error: unknown) => {
            if (!signal.aborted) failure.reject(error)
          })
          .finally(() => {
            this.#underWay.delete(delivery)
            this.#bell.ring()
          })
        this.#underWay.add(delivery)
      }
      await Promise.all(this.#underWay)
    } finally {
      signal.removeEventListener('abort', wake)
      this.#bell.close()
    }
  }

  /** What waits goes out at once from now on. */
  drain(): void {
    this.#isDraining = true
    this.#bell.ring()
  }

  /** Nobody adds rows before those that wait are gone: they go at once. */
  hurry(): void {
    if (this.queue.isEmpty || this.#isHurried) return
    this.#isHurried = true
    this.#bell.ring()
  }

  get #mayGo(): boolean {
    if (this.queue.isEmpty || this.#underWay.size >= this.#settings.concurrency) return false
    return this.#isDraining || this.#isHurried || this.#isFull || this.#clock.monotonicMs() >= (this.#goAtMs ?? 0)
  }

  get #goAtMs(): number | undefined {
    if (this.queue.isEmpty || this.#waitingSinceMs === undefined) return undefined
    if (this.#underWay.size >= this.#settings.concurrency) return undefined
    return this.#waitingSinceMs + this.#settings.lingerSeconds * 1_000
  }

  get #isFull(): boolean {
    const { packing, requestBytesMax } = this.#settings
    return this.queue.bytes * (packing === 'raw' ? 1 : this.#ratio) >= requestBytesMax
  }

  async #pack(): Promise<Packed | undefined> {
    const { packing, requestBytesMax } = this.#settings
    const packed = await (packing === 'raw' ? packRaw : packWire)(this.queue, requestBytesMax)
    this.#isHurried = false
    this.#waitingSinceMs = this.queue.isEmpty ? undefined : this.#clock.monotonicMs()
    if (packed !== undefined) this.#ratio = packed.body.length / packed.rawBytes
    return packed
  }
}
