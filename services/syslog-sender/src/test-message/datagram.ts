/** A test message over UDP: handed over, which is all that can be known, unless the receiver's machine says that nobody listens. */
import type { Clock } from '@siem-relay/common'
import type { Target } from '../targets.ts'
import { codeOf } from '../tls.ts'
import { newSocket, sendDatagram } from '../transports/datagram.ts'
import type { ResolvedAddress } from '../tuning.ts'
import type { TestLine } from './line.ts'
import { StepFailure, type Steps } from './steps.ts'
import type { TestTimes } from './stream.ts'

export interface DatagramTest {
  readonly target: Target
  readonly address: ResolvedAddress
  readonly line: TestLine
  readonly steps: Steps
  readonly clock: Clock
  readonly times: TestTimes
  readonly signal: AbortSignal
}

export async function testDatagram({
  target,
  address,
  line,
  steps,
  clock,
  times,
  signal,
}: DatagramTest): Promise<void> {
  steps.begin('connect')
  steps.end({ outcome: 'skipped', seen: 'UDP has no connections' })
  steps.begin('send')
  const socket = newSocket(address.family)
  const refused = Promise.withResolvers<void>()
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(target.port, address.address, () => {
        socket.off('error', reject)
        resolve()
      })
    })
    socket.on('error', (error) => (codeOf(error) === 'ECONNREFUSED' ? refused.resolve() : refused.reject(error)))
    const failure = await sendDatagram(socket, line.segment.bytes)
    if (codeOf(failure) === 'EMSGSIZE')
      throw new StepFailure('the line is larger than the network takes in one datagram', 'Lower messageBytesMax.')
    if (failure !== undefined && codeOf(failure) !== 'ECONNREFUSED') throw failure
    steps.ok(`${line.segment.bytes.length} bytes handed over to ${address.address} port ${target.port}`)
    steps.begin('confirm')
    const quiet = new AbortController()
    const isRefused = await Promise.race([
      refused.promise.then(() => true),
      clock.sleep(times.refusalMs, AbortSignal.any([signal, quiet.signal])).then(() => false),
    ]).finally(() => quiet.abort())
    if (isRefused || failure !== undefined)
      throw new StepFailure(
        "nobody listens at this UDP port: the receiver's machine said so",
        'Check the port, and that the receiver listens on UDP.',
      )
    steps.end({
      outcome: 'warning',
      seen: 'UDP cannot be confirmed: nobody said that the port is closed, and nobody says that the line arrived',
      fix: 'Look for the line at the receiver. Prefer tcp, tls or relp: what UDP loses, nobody notices.',
    })
  } finally {
    refused.promise.catch(() => undefined)
    socket.on('error', () => undefined)
    socket.close()
  }
}
