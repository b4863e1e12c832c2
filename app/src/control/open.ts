/** Control for a command: through the relay that runs, else over the log itself. */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { RelayError } from '@siem-relay/common'
import type { Control } from '@siem-relay/control'
import { LocalControl } from '@siem-relay/control'
import { systemClock } from '@siem-relay/service-kit'
import { readTopicAgents } from '../agents/topic-agents.ts'
import type { RelayConfig } from '../config/schema.ts'
import { exclusiveDirectoryOf, type OpenedBus } from '../open-bus.ts'
import { openForCommand } from '../open-for-command.ts'
import { version } from '../version.ts'
import { reachControl } from './client.ts'
import { controlSocketPath } from './socket-path.ts'

export interface OpenedControl extends AsyncDisposable {
  readonly control: Control
  /** The log is open in this process: if nobody else can have it, no relay runs. */
  readonly isAlone: boolean
}

/** The relay itself warns of agents it leaves out. */
const silent = { warn: () => undefined }

/** @throws {RelayError} `RELAY_USAGE` when there is no log; `RELAY_CONTROL_FAILED` when a relay has it but does not answer. */
export async function openControl(config: RelayConfig): Promise<OpenedControl> {
  const directory = exclusiveDirectoryOf(config)
  if (directory !== undefined) {
    const control = await reachControl(controlSocketPath(directory))
    if (control !== undefined) return { control, isAlone: false, [Symbol.asyncDispose]: async () => {} }
    if (!existsSync(join(directory, 'log.db')))
      throw new RelayError('RELAY_USAGE', `there is no log in ${directory}: name another directory with --data`)
  }
  const { bus } = await openOrSay(config)
  const agents = [...config.agents, ...(await readTopicAgents(bus, config.agents, silent))]
  const control = new LocalControl({
    bus,
    clock: systemClock,
    config: () => ({ ...config, agents }),
    version,
    hostName: hostname(),
  })
  return { control, isAlone: directory !== undefined, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() }
}

async function openOrSay(config: RelayConfig): Promise<OpenedBus> {
  try {
    return await openForCommand(config)
  } catch (cause) {
    if (!(cause instanceof RelayError) || cause.code !== 'RELAY_LOG_LOCKED') throw cause
    throw new RelayError('RELAY_CONTROL_FAILED', `${cause.message}, which has no control socket there`, { cause })
  }
}
