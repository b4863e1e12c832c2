import { expect, test } from 'vitest'
import { cefLine, cefLines, eventually, startSender } from './testing/sender.ts'
import type { LineOutput } from './transports/console.ts'

const console = { id: 'siem', console: true }

function collectingOutput(): { readonly output: LineOutput; readonly text: () => string } {
  const chunks: string[] = []
  return {
    output: {
      write(chunk, callback) {
        chunks.push(Buffer.from(chunk).toString())
        callback()
      },
    },
    text: () => chunks.join(''),
  }
}

test('a console agent writes lines with their header, delivered when written', async () => {
  const { output, text } = collectingOutput()
  const header = { time: 'rfc3164', pri: false, systemName: false } as const
  await using sender = await startSender({ agent: { ...console, header }, stdout: output })
  await sender.give([cefLine(0), cefLine(1)])
  await eventually(() => expect(sender.committed()).toBe(2))
  expect(text()).toBe(`Mar 02 21:10:02 ${cefLine(0)}\nMar 02 21:10:02 ${cefLine(1)}\n`)
  expect(sender.status()).toMatchObject({ state: 'connected', target: 'console' })
})

test('lines are not delivered before the stream took them', async () => {
  const held: ((error?: Error) => void)[] = []
  const output: LineOutput = { write: (_, callback) => held.push(callback) }
  await using sender = await startSender({ agent: console, stdout: output })
  await sender.give(cefLines(10))
  await eventually(() => expect(held).toHaveLength(1))
  expect(sender.committed()).toBe(0)
  held[0]?.()
  await eventually(() => expect(sender.committed()).toBe(10))
})

test('a stream that fails is tried again with the same lines', async () => {
  let failures = 2
  const { output, text } = collectingOutput()
  const failing: LineOutput = {
    write: (chunk, callback) => (failures-- > 0 ? callback(new Error('EPIPE')) : output.write(chunk, callback)),
  }
  await using sender = await startSender({ agent: console, stdout: failing })
  await sender.give(cefLines(3))
  await eventually(() => expect(sender.committed()).toBe(3))
  expect(text().split('\n')).toHaveLength(4)
  expect(sender.status()).toMatchObject({ state: 'connected', lastError: { code: 'RELAY_RECEIVER_CLOSED' } })
})
