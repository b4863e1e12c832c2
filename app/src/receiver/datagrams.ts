/** The receiver over UDP: a datagram is a message (RFC 5426 §3.1). What the output does not take in time is left out and
 *  counted, as UDP allows; memory stays bounded. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { listenError } from '@siem-relay/service-kit'
import { Printer } from './printer.ts'
import type { Receiver, ReceiverOptions } from './receiver.ts'

const pendingBytesMax = 1_048_576

/** @throws {RelayError} `RELAY_LISTEN_FAILED` when the address cannot be taken. */
export async function startDatagramReceiver({ listen, output, note }: ReceiverOptions): Promise<Receiver> {
  const printer = new Printer(output)
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  const socket = createSocket(isIPv6(listen.host) ? 'udp6' : 'udp4')
  let leftOut = 0
  socket.on('message', (message) => {
    if (printer.pendingBytes > pendingBytesMax) {
      leftOut += 1
      if (leftOut === 1) note('the output is slower than the senders: datagrams are left out')
      return
    }
    printer.print([message]).catch(failure.reject)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(listenError(listen, error)))
    socket.bind(listen.port, listen.host, resolve)
  })
  socket.on('error', failure.reject)
  return {
    listen: { host: listen.host, port: socket.address().port },
    failed: failure.promise,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(() => resolve()))
      if (leftOut > 0) note(`${leftOut} datagrams were left out: the output was slower than the senders`)
    },
  }
}
