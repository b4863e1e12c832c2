/** Datagrams: sockets for them, and what became of one. */
import { createSocket, type Socket } from 'node:dgram'
import { describeError, RelayError } from '@siem-relay/common'
import type { Target } from '../targets.ts'

/** Room for a burst in the kernel; it caps this at net.core.wmem_max. */
const sendBufferBytes = 4_194_304

export function newSocket(family: number): Socket {
  return createSocket({ type: family === 6 ? 'udp6' : 'udp4', sendBufferSize: sendBufferBytes })
}

/** Resolves with the error, if any: one datagram's failure is not that of its group. */
export function sendDatagram(socket: Socket, message: Buffer): Promise<Error | undefined> {
  return new Promise((resolve) => socket.send(message, (error) => resolve(error ?? undefined)))
}

/** A foreign error in the operator's words. */
export function asRelayError(error: unknown, target: Target | undefined): RelayError {
  if (error instanceof RelayError) return error
  return new RelayError(
    'RELAY_RECEIVER_UNREACHABLE',
    `${target?.name ?? 'the receiver'} could not be reached over UDP (${describeError(error)}); trying again`,
    { cause: error },
  )
}
