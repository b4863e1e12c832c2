/** Whether an address takes connections. */
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { type Clock, describeError } from '@siem-relay/common'
import { parseListen } from '@siem-relay/service-kit'
import type { Check } from '../check.ts'

const connectMs = 10_000

/** @param address `host:port`. @param fix when it takes none. */
export function reachCheck(name: string, address: string, clock: Clock, fix: string): Check {
  return {
    name,
    run: async () => {
      try {
        const ms = await connectTo(address, clock)
        return { status: 'ok', seen: `${address} takes connections (${Math.round(ms)} ms)` }
      } catch (error) {
        return { status: 'failed', seen: `${address} takes no connection: ${describeError(error)}`, fix }
      }
    },
  }
}

/** @returns milliseconds until the connection stood. */
async function connectTo(address: string, clock: Clock): Promise<number> {
  const { host, port } = parseListen(address)
  const startMs = clock.monotonicMs()
  const { address: resolved } = await lookup(host)
  const socket = connect({ host: resolved, port })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
      socket.setTimeout(connectMs, () => reject(new Error(`no answer within ${connectMs / 1_000} s`)))
    })
    return clock.monotonicMs() - startMs
  } finally {
    socket.destroy()
  }
}
