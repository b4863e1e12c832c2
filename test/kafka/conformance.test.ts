/** The port's suite on a real broker. */
import { randomUUID } from 'node:crypto'
import type { Bus } from '@siem-relay/bus'
import { describe, inject } from 'vitest'
import { busConformance } from '../../packages/bus/src/conformance.ts'
import { openTestBus } from '../support/kafka-bus.ts'

const broker = inject('kafka')

describe.skipIf(broker === undefined)('on a real broker', () => {
  busConformance(
    'the log on Kafka',
    async () => {
      const prefix = `c-${randomUUID().slice(0, 8)}.`
      const opened: Bus[] = []
      return {
        open: async () => {
          const bus = await openTestBus(broker as string, prefix)
          opened.push(bus)
          return bus
        },
        dispose: async () => {
          for (const bus of opened) await bus[Symbol.asyncDispose]()
        },
      }
    },
    { modelRuns: 5 },
  )
})
