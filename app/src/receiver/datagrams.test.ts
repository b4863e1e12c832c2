import { createSocket } from 'node:dgram'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { startDatagramReceiver } from './datagrams.ts'

const listen = { host: '127.0.0.1', port: 0 }

/** Sends one after another; UDP on one machine keeps the order. */
async function send(port: number, messages: readonly string[]): Promise<void> {
  const socket = createSocket('udp4')
  for (const message of messages)
    await new Promise<void>((resolve, reject) =>
      socket.send(message, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    )
  socket.close()
}

test('a datagram is a message, whatever it contains', async () => {
  const lines: string[] = []
  const enough = Promise.withResolvers<void>()
  const output = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      if (lines.length === 3) enough.resolve()
      done()
    },
  })
  await using receiver = await startDatagramReceiver({ listen, output, note: () => {} })
  await send(receiver.listen.port, ['<34>one', '8 <34>two', '<34>a\nb\n'])
  await enough.promise
  expect(lines).toEqual(['<34>one\n', '8 <34>two\n', '<34>a\\u000ab\n'])
})

test('what a slow output does not take is left out and counted: memory stays bounded', async () => {
  const notes: string[] = []
  const noted = Promise.withResolvers<void>()
  const output = new Writable({ decodeStrings: false, write: () => {} })
  const receiver = await startDatagramReceiver({
    listen,
    output,
    note: (sentence) => {
      notes.push(sentence)
      noted.resolve()
    },
  })
  const message = 'x'.repeat(60_000)
  while (notes.length === 0) {
    await send(receiver.listen.port, [message])
    await new Promise((resolve) => setImmediate(resolve))
  }
  await noted.promise
  await receiver[Symbol.asyncDispose]()
  expect(output.writableLength).toBeLessThan(1_300_000)
  expect(notes[0]).toMatch(/slower than the senders/)
  expect(notes.at(-1)).toMatch(/^\d+ datagrams were left out/)
})
