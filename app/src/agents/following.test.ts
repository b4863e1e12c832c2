import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus, type SqliteBus } from '@siem-relay/bus'
import { agentsTopic, encodeStoredAgent, RelayError } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { memoryLogger } from '@siem-relay/service-kit/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RelayConfig, relayConfigSchema } from '../config/schema.ts'
import { Following } from './following.ts'
import { TopicAgents } from './topic-agents.ts'

const syslog = { host: '127.0.0.1', port: 1 }
const configOf = (...ids: readonly string[]): RelayConfig =>
  relayConfigSchema.parse({ agents: ids.map((id) => ({ id, syslog })) })

let directory: string
let bus: SqliteBus
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'siem-relay-following-'))
  bus = await openSqliteBus({ path: directory, clock: systemClock, freeBytesMin: 1_000_000 })
})
afterEach(async () => {
  await bus[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

async function write(id: string, value: Buffer | null): Promise<void> {
  await bus.ensureTopics([agentsTopic])
  await using writer = await bus.writer('test')
  await writer.commit({ records: [{ topic: agentsTopic.name, key: id, value, headers: {} }] })
}

const stored = (id: string, more: object = {}): Buffer => {
  const who = { createdBy: 'ada', createdMs: 0, updatedBy: 'ada', updatedMs: 0 }
  return encodeStoredAgent({ version: 1, revision: 1, definition: { id, syslog, ...more }, ...who })
}

/** A service that minds agents called `refused…`, and fails as often as it is told. */
function fakeService() {
  const taken: string[][] = []
  const failures: Error[] = []
  return {
    taken,
    failures,
    check: ({ agents }: RelayConfig) => {
      const minded = agents.find(({ id }) => id.startsWith('refused'))
      if (minded !== undefined) throw new RelayError('RELAY_CONFIG_INVALID', `${minded.id} cannot be`)
    },
    update: async ({ agents }: RelayConfig) => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      taken.push(agents.map(({ id }) => id))
    },
  }
}

async function start(config: RelayConfig) {
  const { log, entries } = memoryLogger()
  const service = fakeService()
  const agents = await TopicAgents.open(bus, log)
  const following = new Following({ config, services: [service], agents, clock: systemClock, log })
  await following.begin()
  return {
    ...service,
    following,
    entries,
    [Symbol.asyncDispose]: async () => {
      await following[Symbol.asyncDispose]()
      await agents[Symbol.asyncDispose]()
    },
  }
}

test('agents of the topic join those of the file, come and go with it, and are taken up live', async () => {
  await write('first', stored('first'))
  await using made = await start(configOf('file'))
  expect(made.taken).toEqual([['file', 'first']])
  await write('second', stored('second'))
  await expect.poll(() => made.taken.at(-1)).toEqual(['file', 'first', 'second'])
  await made.following.update(configOf('other'))
  expect(made.taken.at(-1)).toEqual(['other', 'first', 'second'])
  await write('first', null)
  await expect.poll(() => made.following.inForce.agents.map(({ id }) => id)).toEqual(['other', 'second'])
  expect(made.following.fileAgents.map(({ id }) => id)).toEqual(['other'])
})

test('one that a service refuses, that this version cannot read, or that the file hides is left out alone', async () => {
  await write('good', stored('good'))
  await write('refused', stored('refused'))
  await write('later', stored('later', { quantum: true }))
  await write('broken', Buffer.from('{'))
  await write('file', stored('file'))
  await using made = await start(configOf('file'))
  expect(made.taken).toEqual([['file', 'good']])
  const told = made.entries.filter(({ level }) => level === 'warn').map(({ agent, problem }) => [agent, problem])
  expect(told).toEqual(
    expect.arrayContaining([
      ['refused', 'refused cannot be'],
      ['later', expect.stringMatching(/quantum/)],
      ['broken', expect.stringMatching(/JSON/)],
      ['file', 'hidden'],
    ]),
  )
  await write('good', stored('good', { name: 'Good' }))
  await expect.poll(() => made.taken).toHaveLength(2)
  expect(made.entries.filter(({ level }) => level === 'warn')).toHaveLength(told.length)
})

test('a file that a service refuses changes nothing', async () => {
  await write('first', stored('first'))
  await using made = await start(configOf('file'))
  await expect(made.following.update(configOf('refused'))).rejects.toThrow(/refused cannot be/)
  expect(made.following.inForce.agents.map(({ id }) => id)).toEqual(['file', 'first'])
  expect(made.taken).toHaveLength(1)
})

test('what could not be taken up is told, and tried again', async () => {
  await using made = await start(configOf('file'))
  made.failures.push(new Error('the log is in trouble'))
  await write('first', stored('first'))
  await expect.poll(() => made.taken.at(-1), { timeout: 15_000 }).toEqual(['file', 'first'])
  expect(made.entries).toContainEqual(expect.objectContaining({ level: 'error', error: 'the log is in trouble' }))
})
