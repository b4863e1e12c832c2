/** Appends records and sets state for one owner at a time. */
import { RelayError, type TopicSpec } from '@siem-relay/common'
import { closedError } from '../closed-error.ts'
import type { State, Writer } from '../port.ts'
import { type Core, restoreState } from './core.ts'
import { toRelayError } from './errors.ts'

/** Claims the owner id, then restores its state: what an older holder still has queued is refused, so the state is final. */
export function openWriter(core: Core, ownerId: string, stateTopic: TopicSpec | undefined): Writer {
  if (stateTopic !== undefined) core.catalog.ensure([stateTopic])
  const epoch = core.committer.claim(ownerId)
  let scope: number | undefined
  let state: State = new Map()
  try {
    if (stateTopic !== undefined) {
      const name = `${stateTopic.name} owner ${ownerId}`
      scope = core.compacted.scope(name)
      state = restoreState(core, scope, name)
    }
  } catch (error) {
    throw toRelayError(error, `restoring the state of ${ownerId}`)
  }
  let isClosed = false
  return {
    state,
    async commit({ records = [], state: changes = [] }) {
      if (isClosed || core.closing.aborted) throw closedError()
      if (changes.length > 0 && scope === undefined) {
        throw new RelayError('RELAY_BUS_TOPIC', `${ownerId} sets state but was opened without a state topic`)
      }
      if (records.length > 0) refuseWhileClosed(core, ownerId)
      if (records.length === 0 && changes.length === 0) return
      await core.committer.commit({
        records,
        owner: { id: ownerId, epoch },
        ...(scope === undefined ? {} : { state: { scope, changes } }),
      })
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
    },
  }
}

function refuseWhileClosed(core: Core, ownerId: string): void {
  const intake = core.intake.state()
  if (intake.open) return
  throw new RelayError('RELAY_LOG_FULL', `${ownerId} may not add records: ${intake.reason}; tried again later`)
}
