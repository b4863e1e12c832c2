/** A packed batch until each of its rows is stored or in the dead letters, however long that takes: waits, asks for a new token, halves
 *  what is too large, and bisects what is refused until the one row at fault stands alone.
 *
 *  A refusal can be the fault of a row, or of the rule, the stream or the relay. A row is called poison only while Azure stores
 *  others: an empty array must be accepted, and no more than a few rows in a row may be refused without one stored between. Else
 *  everything waits and the operator is told, since dead-lettering a whole log would be worse. */
import { type Clock, describeError, RelayError } from '@siem-relay/common'
import { backoffMs } from '@siem-relay/service-kit'
import type { Answer, UploadResult } from './client.ts'
import type { Entry } from './entry.ts'
import { type Packed, packAll } from './packing.ts'
import type { RuleGate } from './rule-gate.ts'

const failurePolicy = { minMs: 1_000, maxMs: 60_000 }
/** Rows refused alone, one after another without any stored, before the refusal is no longer blamed on them. */
const poisonRunMax = 20

/** What a delivery has to do with the outside. */
export interface DeliveryPorts {
  readonly clock: Clock
  readonly random: () => number
  readonly gate: RuleGate
  readonly signal: AbortSignal
  /** One request with a token. @throws {RelayError} of the token. */
  send(packed: Packed): Promise<UploadResult & { readonly token: string }>
  /** This token was refused. */
  tokenRefused(token: string): void
  stored(packed: Packed): void
  deadLetter(entry: Entry, error: RelayError): void
  /** It is tried again in so many milliseconds. */
  trouble(error: RelayError, retryInMs: number): void
}

/** What is remembered of one stream between its batches. */
export interface StreamMemory {
  /** Rows refused alone since the last one was stored. */
  poisonRun: number
}

/** @throws the signal's reason: what is not stored then comes again after a restart. */
export async function deliver(packed: Packed, memory: StreamMemory, ports: DeliveryPorts): Promise<void> {
  const rest: Packed[] = [packed]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const answer = await untilAnswered(next, memory, ports)
    const [first] = next.entries
    if (answer.type === 'stored') {
      memory.poisonRun = 0
      ports.stored(next)
    } else if (next.entries.length > 1) {
      const middle = Math.ceil(next.entries.length / 2)
      // The first half goes first: order is kept as far as it can be.
      rest.push(await packAll(next.entries.slice(middle)), await packAll(next.entries.slice(0, middle)))
    } else if (first !== undefined) {
      memory.poisonRun++
      ports.deadLetter(first, poisonError(answer, first))
    }
  }
}

type Final = Extract<Answer, { type: 'stored' | 'too-large' | 'refused' }>

/** Sends until Azure stores the body or says that it is at fault. */
async function untilAnswered(packed: Packed, memory: StreamMemory, ports: DeliveryPorts): Promise<Final> {
  let failures = 0
  let isTokenFresh = false
  let isAccused = false
  for (;;) {
    await ports.gate.pass(ports.signal)
    let result: Awaited<ReturnType<DeliveryPorts['send']>>
    try {
      result = await ports.send(packed)
    } catch (error) {
      ports.signal.throwIfAborted()
      await waitAfter(error, ++failures, ports)
      continue
    }
    const { answer, token } = result
    switch (answer.type) {
      case 'stored':
        ports.gate.stored()
        return answer
      case 'too-large':
        return answer
      case 'refused':
        if (packed.entries.length > 1 || isAccused) return answer
        isAccused = await mayBeRowsFault(memory, ports)
        // Refused once more, while the empty body is accepted: it is the row.
        if (isAccused) break
        hold(new RelayError('RELAY_SENTINEL_TARGET', `Azure refuses every row: ${answer.reason}`), ports)
        break
      case 'throttled': {
        const pauseMs = ports.gate.throttled(answer.retryAfterMs)
        const asked =
          answer.retryAfterMs === undefined ? 'without saying how long' : `for ${answer.retryAfterMs / 1_000} s`
        ports.trouble(new RelayError('RELAY_SENTINEL_THROTTLED', `Azure asked to slow down ${asked}`), pauseMs)
        break
      }
      case 'unauthorized':
        ports.tokenRefused(token)
        // A token may end on its way; a new one that is refused too is no accident.
        if (isTokenFresh)
          hold(new RelayError('RELAY_SENTINEL_TOKEN', `a new token was refused: ${answer.reason}`), ports)
        isTokenFresh = true
        break
      case 'forbidden':
        // Rights are part of the token: the next try shall see new ones.
        ports.tokenRefused(token)
        hold(new RelayError('RELAY_SENTINEL_ACCESS', `the identity may not write to the rule: ${answer.reason}`), ports)
        break
      case 'not-found':
        hold(
          new RelayError('RELAY_SENTINEL_TARGET', `the endpoint knows no such rule or stream: ${answer.reason}`),
          ports,
        )
        break
      case 'failed':
        await waitAfter(new RelayError('RELAY_SENTINEL_UNAVAILABLE', answer.reason), ++failures, ports)
        break
      default:
        answer satisfies never
    }
  }
}

/** An empty array is accepted where rows would be. */
const emptyArray = packAll([])

async function mayBeRowsFault(memory: StreamMemory, ports: DeliveryPorts): Promise<boolean> {
  if (memory.poisonRun >= poisonRunMax) return false
  await ports.gate.pass(ports.signal)
  try {
    const { answer } = await ports.send(await emptyArray)
    return answer.type === 'stored'
  } catch {
    ports.signal.throwIfAborted()
    return false
  }
}

function hold(error: RelayError, { gate, trouble }: DeliveryPorts): void {
  trouble(error, gate.held())
}

async function waitAfter(error: unknown, failures: number, ports: DeliveryPorts): Promise<void> {
  const known =
    error instanceof RelayError
      ? error
      : new RelayError('RELAY_SENTINEL_UNAVAILABLE', describeError(error), { cause: error })
  if (known.disposition === 'stop') {
    hold(known, ports)
    return
  }
  const waitMs = failurePolicy.minMs / 2 + backoffMs(failures, failurePolicy, ports.random)
  ports.trouble(known, waitMs)
  await ports.clock.sleep(waitMs, ports.signal)
}

function poisonError(answer: Exclude<Final, { type: 'stored' }>, { row }: Entry): RelayError {
  return answer.type === 'too-large'
    ? new RelayError(
        'RELAY_FRAME_TOO_LARGE',
        `Azure refuses the row of ${row.length} bytes as too large, alone as well`,
      )
    : new RelayError('RELAY_SENTINEL_ROW', `Azure refuses the row: ${answer.reason}`)
}
