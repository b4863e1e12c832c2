/** The log: its directory and disk, or its brokers. */
import { existsSync, statfsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Clock, describeError } from '@siem-relay/common'
import type { RelayConfig } from '../../config/schema.ts'
import { reachControl } from '../../control/client.ts'
import { controlSocketPath } from '../../control/socket-path.ts'
import { openForCommand } from '../../open-for-command.ts'
import type { Check, Finding, Subject } from '../check.ts'
import { reachCheck } from './reach.ts'

/** Kept free unless the configuration says otherwise: the larger of both. */
const freeDefaults = { bytes: 512 * 1_048_576, share: 0.1 } as const

export function logSubject(config: RelayConfig, clock: Clock): Subject {
  const { bus } = config
  if (bus.type === 'kafka') return { name: 'log (Kafka)', checks: kafkaChecks(config, clock) }
  return {
    name: `log (${bus.path})`,
    checks: [
      { name: 'directory', run: async () => directoryFinding(bus.path) },
      { name: 'disk', needs: ['directory'], run: async () => spaceFinding(config) },
      { name: 'relay', needs: ['directory'], run: () => relayFinding(config) },
    ],
  }
}

function kafkaChecks(config: RelayConfig, clock: Clock): readonly Check[] {
  const brokers = config.bus.brokers ?? []
  const names = brokers.map((broker) => `broker ${broker}`)
  const fix = 'Check bus.brokers, DNS, firewall, and that the broker runs.'
  return [
    ...brokers.map((broker, index) => reachCheck(names[index] ?? broker, broker, clock, fix)),
    {
      name: 'cluster',
      run: async () => {
        const { bus } = await openForCommand(config)
        await bus[Symbol.asyncDispose]()
        return { status: 'ok', seen: 'takes these credentials, and has what the relay needs' }
      },
    },
  ]
}

function directoryFinding(path: string): Finding {
  if (!existsSync(path)) {
    const parent = existingParent(path)
    return statSync(parent).isDirectory()
      ? { status: 'ok', seen: `${path} is not there yet; the first start creates it in ${parent}` }
      : {
          status: 'failed',
          seen: `${parent} is a file`,
          fix: 'Name another directory in bus.path, or move the file away.',
        }
  }
  return statSync(path).isDirectory()
    ? { status: 'ok', seen: `${path} is there` }
    : { status: 'failed', seen: `${path} is a file`, fix: 'Name a directory in bus.path, or move the file away.' }
}

function spaceFinding({ bus }: RelayConfig): Finding {
  const { bavail, blocks, bsize } = statfsSync(existingParent(bus.path))
  const free = bavail * bsize
  const wanted = bus.freeBytesMin ?? Math.max(freeDefaults.bytes, blocks * bsize * freeDefaults.share)
  const seen = `${gigabytes(free)} free; sources are polled from ${gigabytes(wanted)} on`
  if (free >= wanted * 2) return { status: 'ok', seen }
  const fix = 'Free disk space, or lower bus.freeBytesMin; bus.bytesMax caps what the log takes of delivered records.'
  return { status: free >= wanted ? 'warning' : 'failed', seen, fix }
}

async function relayFinding(config: RelayConfig): Promise<Finding> {
  const { path } = config.bus
  if ((await reachControl(controlSocketPath(path))) !== undefined)
    return { status: 'ok', seen: 'runs on this log, and answers commands' }
  if (!existsSync(join(path, 'log.db'))) return { status: 'skipped', seen: 'has never run on this log' }
  try {
    const { bus } = await openForCommand(config)
    await bus[Symbol.asyncDispose]()
    return {
      status: 'warning',
      seen: 'does not run on this log, which can be opened',
      fix: 'Start it (siem-relay run), and see what it says when it ends by itself.',
    }
  } catch (error) {
    return {
      status: 'failed',
      seen: describeError(error),
      fix: 'Run the command as the user of the relay. When another relay has this directory, stop it, or name another bus.path.',
    }
  }
}

function existingParent(path: string): string {
  let parent = resolve(path)
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent)
  return parent
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
