import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { frame } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { lineOf } from './printer.ts'
import { type Receiver, startReceiver } from './receiver.ts'

interface Setup extends AsyncDisposable {
  readonly receiver: Receiver
  readonly notes: readonly string[]
  text(): string
  connection(): Promise<Socket>
}

/** @param gate what each write waits for. */
async function setUp(gate: () => Promise<void> = () => Promise.resolve()): Promise<Setup> {
  const chunks: string[] = []
  const notes: string[] = []
  const output = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      gate().then(() => {
        chunks.push(String(chunk))
        done()
      }, done)
    },
  })
  output.on('error', () => undefined)
  const receiver = await startReceiver({
    listen: { host: '127.0.0.1', port: 0 },
    output,
    note: (sentence) => notes.push(sentence),
  })
  const sockets: Socket[] = []
  return {
    receiver,
    notes,
    text: () => chunks.join(''),
    connection: async () => {
      const socket = connect({ port: receiver.listen.port, host: '127.0.0.1', allowHalfOpen: true })
      sockets.push(socket)
      await once(socket, 'connect')
      socket.resume()
      return socket
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await receiver[Symbol.asyncDispose]()
    },
  }
}

describe('receiver', () => {
  test.each([
    ['lines', Buffer.from('<34>one\n<34>two\n')],
    ['octet counting', Buffer.concat(['<34>one', '<34>two'].map((text) => frame(Buffer.from(text), 'octet-counting')))],
    ['lines that end with CR LF', Buffer.from('<34>one\r\n<34>two\r\n')],
    ['a last line that only the close ends', Buffer.from('<34>one\n<34>two')],
    ['empty lines between', Buffer.from('<34>one\n\n\n<34>two\n')],
  ])('prints %s, byte by byte too, and then answers the close', async (_, bytes) => {
    await using setup = await setUp()
    for (const size of [bytes.length, 1]) {
      const socket = await setup.connection()
      socket.setNoDelay(true)
      for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size))
      socket.end()
      await once(socket, 'end')
    }
    expect(setup.text()).toBe('<34>one\n<34>two\n'.repeat(2))
    expect(setup.notes).toEqual([])
  })

  test('does not answer the close before everything is printed', async () => {
    const gate = Promise.withResolvers<void>()
    await using setup = await setUp(() => gate.promise)
    const socket = await setup.connection()
    let hasEnded = false
    socket.on('end', () => {
      hasEnded = true
    })
    socket.end('<34>one\n')
    await once(socket, 'finish')
    // The receiver has taken our close by the time another connection has gone through its hands.
    await setup.connection()
    expect(hasEnded).toBe(false)
    gate.resolve()
    await once(socket, 'end')
    expect(setup.text()).toBe('<34>one\n')
  })

  test('messages of several connections do not mix', async () => {
    await using setup = await setUp()
    const sockets = await Promise.all([setup.connection(), setup.connection(), setup.connection()])
    for (const part of ['<34>', 'a'.repeat(5_000), 'z\n']) for (const socket of sockets) socket.write(part)
    for (const socket of sockets) socket.end()
    await Promise.all(sockets.map((socket) => once(socket, 'end')))
    expect(setup.text()).toBe(`<34>${'a'.repeat(5_000)}z\n`.repeat(3))
  })

  test('an output that takes no more ends it, and resets what is not printed: no sender may count it as delivered', async () => {
    await using setup = await setUp(() => Promise.reject(new Error('EPIPE')))
    const socket = await setup.connection()
    const reset = once(socket, 'error')
    socket.end('<34>one\n')
    await expect(setup.receiver.failed).rejects.toThrow('EPIPE')
    expect(await Promise.race([reset, once(socket, 'close')])).toMatchObject([{ code: 'ECONNRESET' }])
  })

  test.each([
    ['a count that is none', '5 <34>1x', /expected an octet count/],
    ['a message without end', 'x'.repeat(1_100_000), /the limit is 1048576/],
  ])('resets a connection with %s and says so', async (_, text, note) => {
    await using setup = await setUp()
    const socket = await setup.connection()
    const reset = once(socket, 'error')
    socket.write(text)
    expect(await reset).toMatchObject([{ code: expect.stringMatching(/ECONNRESET|EPIPE/) }])
    expect(setup.notes.join('\n')).toMatch(note)
    // And goes on with others.
    const other = await setup.connection()
    other.end('<34>one\n')
    await once(other, 'end')
    expect(setup.text()).toContain('<34>one\n')
  })

  test('a counted message that the close cuts off is left out and named', async () => {
    await using setup = await setUp()
    const socket = await setup.connection()
    socket.end('7 <34>one20 <34>tw')
    await once(socket, 'end')
    expect(setup.text()).toBe('<34>one\n')
    expect(setup.notes).toEqual([expect.stringMatching(/closed inside a message, 9 bytes of it left out$/)])
  })

  test('a port in use is refused with its address', async () => {
    await using setup = await setUp()
    await expect(
      startReceiver({ listen: setup.receiver.listen, output: process.stdout, note: () => {} }),
    ).rejects.toMatchObject({ code: 'RELAY_LISTEN_FAILED' })
  })
})

describe('a line', () => {
  test.each([
    ['text stays', 'CEF:0|a=b é\tc', 'CEF:0|a=b é\tc'],
    ['a terminal is not told to do anything', '\u001b[2Jx\u009b', '\\u001b[2Jx\\u009b'],
    ['a line feed inside does not make two of it', 'a\nb\r', 'a\\u000ab'],
  ])('%s', (_, message, line) => expect(lineOf(Buffer.from(message))).toBe(line))
})
