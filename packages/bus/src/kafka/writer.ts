/** Appends records and sets state for one owner at a time on Kafka: a static transactional id per owner. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import { partitionOf } from '../partitioner.ts'
import type { State, Writer } from '../port.ts'
import { byPartition, type Core, claim, fullName } from './core.ts'
import { toRelayError } from './errors.ts'
import { restoreState, statePlace, stateRecords } from './state.ts'

/** Claims the owner id, then restores its state: what an older holder still has under way is refused, so the state is final. */
export async function openWriter(core: Core, ownerId: string, stateTopic: TopicSpec | undefined): Promise<Writer> {
  try {
    const holder = `writer|${ownerId}`
    // Owners that share a topic are spread over its partitions.
    const place =
      stateTopic === undefined ? undefined : await statePlace(core, stateTopic, partitionOf(ownerId, 65_536), holder)
    const owner = await claim(core, fullName(core, `writer/${ownerId}`))
    const state: State = place === undefined ? new Map() : await restoreState(core, owner, place, core.closing)
    let isClosed = false
    let fenced: RelayError | undefined
    return {
      state,
      async commit({ records = [], state: changes = [] }) {
        if (isClosed || core.closing.aborted) throw closedError()
        if (fenced !== undefined) throw fenced
        if (changes.length > 0 && place === undefined)
          throw new RelayError('RELAY_BUS_TOPIC', `${ownerId} sets state but was opened without a state topic`)
        try {
          const partitions = await byPartition(core, records)
          if (owner.isBroken) await owner.recover()
          await owner.transact({
            records:
              changes.length === 0 || place === undefined
                ? partitions
                : [...partitions, stateRecords(core, place, changes)],
          })
        } catch (error) {
          if (core.closing.aborted) throw closedError()
          const known = toRelayError(error, `writing for ${ownerId}`)
          // Also after a commit of unknown outcome: whether it took effect, the owner learns from the state of its next claim.
          if (known.code === 'RELAY_BUS_FENCED') fenced = known
          throw known
        }
      },
      async [Symbol.asyncDispose]() {
        isClosed = true
      },
    }
  } catch (error) {
    throw core.closing.aborted ? closedError() : toRelayError(error, `claiming ${ownerId}`)
  }
}
