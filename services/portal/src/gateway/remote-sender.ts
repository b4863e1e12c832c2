/** A sender of the delivering services' kind whose work is done elsewhere: it keeps a feed for the agent's process and waits. */

import { outTopic, replaySenderGroup, senderGroup } from '@siem-relay/common'
import { deliveryMetrics, replayMetrics, type Sender, type SenderKind, type SenderOptions } from '@siem-relay/delivery'
import type { Desk } from './desk.ts'
import { Feed } from './feed.ts'

/** What agents send to dead letters; counted from 0. */
const letterCodes = ['RELAY_RECORD_INVALID', 'RELAY_FRAME_TOO_LARGE', 'RELAY_RECEIVER_REFUSED'] as const

/** Agents that run in another network. @param deskOf of an agent this kind serves. */
export function remoteSenders(deskOf: (agent: string) => Desk): SenderKind {
  return {
    service: 'remote-sender',
    serves: ({ remote, syslog }) => remote && syslog !== undefined,
    // What its machine can do, the agent says itself.
    check: () => undefined,
    create: (options) => new RemoteSender(deskOf(options.agent.id), options),
    // The agent follows changes by itself, and its messages wait where they are.
    deliveryOf: () => ({}),
    warningsOf: () => [],
  }
}

class RemoteSender implements Sender {
  readonly #desk: Desk
  readonly #feed: Feed
  readonly #options: SenderOptions

  constructor(desk: Desk, options: SenderOptions) {
    const { agent, world, replay } = options
    this.#desk = desk
    this.#options = options
    const metrics =
      replay === undefined
        ? deliveryMetrics(world.metrics, {
            agent: agent.id,
            protocol: agent.syslog?.protocol ?? 'tcp',
            service: 'remote-sender',
            codes: letterCodes,
          })
        : replayMetrics(world.metrics, agent.id)
    this.#feed = new Feed({
      agent: agent.id,
      world,
      input: replay?.input ?? { group: senderGroup(agent.id), topics: [outTopic(agent.id)] },
      metrics,
      changed: () => desk.ring(),
      nextLife: () => desk.nextLife(),
    })
    desk.attach({
      feed: this.#feed,
      metrics,
      onStatus: options.onStatus,
      replay: replay && {
        id: jobOf(this.#feed.group),
        messagesPerSecondMax: replay.messagesPerSecondMax,
        mark: replay.markedJob !== undefined,
      },
    })
  }

  get status(): Sender['status'] {
    return this.#desk.status()
  }

  /** Nothing moves before the agent opens its feed. */
  start(): Promise<never> {
    return this.#feed.failed
  }

  stop(drainMs: number): Promise<void> {
    this.#options.world.log.debug({ agent: this.#desk.agent, group: this.#feed.group }, 'feed of an agent ends')
    return this.#desk.detach(this.#feed.group, drainMs)
  }
}

/** The id of the job a replay's group is named after. */
function jobOf(group: string): string {
  return group.slice(replaySenderGroup('').length)
}
