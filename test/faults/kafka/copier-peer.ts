/** A worker of the copy runs, in a process of its own: input to output, in transactions of up to 500 records. On request it stops itself
 *  (SIGSTOP) a little after it began one, as a machine that freezes would. */
import { openKafkaBus } from '@siem-relay/bus'
import { kafkaOptions } from '../../support/kafka-bus.ts'
import { copied, copyGroup, copyState, input } from './copy-topics.ts'

const { brokers, prefix } = JSON.parse(process.argv[2] ?? '{}') as { brokers: readonly string[]; prefix: string }
let stopAfterMs: number | undefined
process.on('message', (message: { readonly stopAfterMs?: number }) => {
  stopAfterMs = message.stopAfterMs
})
process.on('disconnect', () => process.exit(0))

const bus = await openKafkaBus(kafkaOptions(brokers, prefix))
bus.stage({
  group: copyGroup,
  inputs: [input],
  stateTopic: copyState,
  batchRecordsMax: 500,
  batchBytesMax: 1_048_576,
  open: ({ partition, state }) => {
    let count = Number(state.get('count')?.toString() ?? 0)
    process.send?.({ opened: partition })
    return {
      process: (batch) => {
        count += batch.length
        if (stopAfterMs !== undefined) {
          const afterMs = stopAfterMs
          stopAfterMs = undefined
          setTimeout(() => process.kill(process.pid, 'SIGSTOP'), afterMs)
        }
        return {
          records: batch.map((record) => copied(record)),
          // The count must agree with what was copied, or state and output were torn apart.
          state: [{ key: 'count', value: Buffer.from(String(count)) }],
        }
      },
      committed: () => process.send?.({ committed: partition }),
    }
  },
  onError: (error) => {
    if (process.env.COPY_DEBUG)
      console.error(
        new Date().toISOString(),
        process.pid,
        'stage',
        (error as Error).message,
        (error as { cause?: Error }).cause?.message,
      )
  },
})
process.on('SIGTERM', () => {
  void bus[Symbol.asyncDispose]().then(() => process.exit(0))
})
process.send?.({ ready: true })
