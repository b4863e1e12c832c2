/** What goes out again, what does not, and who may say so. */
import type { SqliteBus } from '@siem-relay/bus'
import { deadLetterMarksTopic, deadLettersTopic, jobsTopic, letterHeaders, replayTopic } from '@siem-relay/common'
import { jobsOf, writeJobs } from '@siem-relay/service-kit'
import { describe, expect, test } from 'vitest'
import { LocalControl } from '../local.ts'
import { config, ofFormatter, ofSender, withLetters } from '../testing/letters.ts'

const alert = { _id: 'a1', timestamp: 1_700_000_000_000, title: 'Impossible travel', entities: [], severityValue: 2 }

async function sentAgain(
  bus: SqliteBus,
  job: string,
): Promise<readonly { key: string; value: string; headers: object }[]> {
  const found = []
  const topic = replayTopic(job)
  for (let partition = 0; partition < topic.partitions; partition++)
    for await (const { key, value, headers } of bus.read(topic, partition, 0))
      found.push({ key, value: value.toString('utf8'), headers })
  return found.sort((a, b) => a.key.localeCompare(b.key))
}

async function jobsIn(bus: SqliteBus) {
  await using table = await bus.table(jobsTopic)
  return jobsOf(table)
}

describe('retrying', () => {
  test('sends the message of a sender again as it was, with its key and headers, as a replay of the agent', () =>
    withLetters(async ({ bus, clock, control, put }) => {
      await put(ofSender('a'), ofSender('b'))
      const { letters } = await control.deadLetters({})
      const ids = letters.map(({ id }) => id)
      const { retried, refused, isMore } = await control.retryDeadLetters({ ids, by: 'ada' })
      expect(new Set(retried.map(({ id }) => id))).toEqual(new Set(ids))
      expect({ refused, isMore }).toEqual({ refused: [], isMore: false })
      const [job] = await jobsIn(bus)
      expect(job).toMatchObject({ agent: 'soc', source: 'letters', records: 2, state: 'running', stretches: [] })
      expect(await sentAgain(bus, job?.id ?? '')).toEqual([
        {
          key: 'a',
          value: 'CEF:0|a',
          headers: { kind: 'alert', severity: '5', 'event-time-ms': '1', source: 'contoso' },
        },
        {
          key: 'b',
          value: 'CEF:0|b',
          headers: { kind: 'alert', severity: '5', 'event-time-ms': '1', source: 'contoso' },
        },
      ])
      expect((await control.deadLetters({})).letters).toEqual([])
      expect((await control.deadLetters({ all: true })).letters[0]?.mark).toEqual({
        action: 'retried',
        atMs: clock.nowMs(),
        by: 'ada',
        job: job?.id,
      })
      expect(await control.replays()).toMatchObject([{ share: 0, replayed: 0 }])
    }))

  test('formats a record of the formatter by today’s settings, for the agent of the letter alone', () =>
    withLetters(async ({ bus, control, put }) => {
      await put(ofFormatter('a1', JSON.stringify(alert)))
      const { retried } = await control.retryDeadLetters({ filter: {} })
      expect(retried).toMatchObject([{ agent: 'soc' }])
      const [message] = await sentAgain(bus, retried[0]?.job ?? '')
      expect(message?.value).toMatch(/^CEF:0\|MCAS\|SIEM_Agent\|1\.2\.3\|/)
      expect(message?.headers).toEqual({
        kind: 'alert',
        severity: '10',
        'event-time-ms': '1700000000000',
        source: 'contoso',
      })
    }))

  test.each([
    ['what is still no record', ofFormatter('x', 'not JSON'), /still cannot be formatted: the record is not JSON/],
    [
      'what the filter leaves out today',
      ofFormatter('a1', JSON.stringify(alert), { [letterHeaders.agent]: 'other' }),
      /settings of agent other leave it out \(filter\)/,
    ],
    [
      'what the agent does not take',
      ofFormatter('a1', '{}', { [letterHeaders.topic]: 'raw.gone.alerts' }),
      /does not take raw\.gone\.alerts/,
    ],
    ['letters of an agent that is gone', ofSender('a', { [letterHeaders.agent]: 'gone' }), /has no agent gone/],
    ['damaged stretches', ofSender('a', { [letterHeaders.code]: 'RELAY_LOG_CORRUPT' }), /bytes are damaged/],
  ])('refuses %s, and the letter stays', (_, letter, reason) =>
    withLetters(async ({ bus, control, put }) => {
      await put(letter)
      const { retried, refused } = await control.retryDeadLetters({ filter: {} })
      expect(retried).toEqual([])
      expect(refused).toMatchObject([{ reason: expect.stringMatching(reason) }])
      expect((await control.deadLetters({})).letters).toHaveLength(1)
      expect(await jobsIn(bus)).toEqual([])
    }),
  )

  test('says of letters that are nobody’s, or without an envelope, that they cannot be retried', () =>
    withLetters(async ({ control, put }) => {
      const { kind, ...bare } = ofFormatter('a', '{}').headers ?? {}
      const { [letterHeaders.agent]: agent, ...nobodys } = ofSender('b').headers ?? {}
      await put({ key: 'a', value: '{}', headers: bare }, { key: 'b', value: 'x', headers: nobodys })
      const { letters } = await control.deadLetters({})
      expect(letters.map(({ notRetriable }) => notRetriable)).toEqual([
        expect.stringMatching(/belongs to no agent/),
        expect.stringMatching(/--from-raw/),
      ])
    }))

  test('a double click sends once: the second is told', () =>
    withLetters(async ({ bus, clock, control, put }) => {
      await put(ofSender('a'))
      const [letter] = (await control.deadLetters({})).letters
      const ids = [letter?.id ?? '']
      const other = new LocalControl({ bus, clock, config: () => config, version: '1', hostName: 'relay-1' })
      const answers = await Promise.allSettled([
        control.retryDeadLetters({ ids }),
        control.retryDeadLetters({ ids }),
        other.retryDeadLetters({ ids }),
      ])
      const went = answers.filter((one) => one.status === 'fulfilled' && one.value.retried.length === 1)
      expect(went).toHaveLength(1)
      expect(await jobsIn(bus)).toHaveLength(1)
      const again = await control.retryDeadLetters({ ids })
      expect(again.refused).toMatchObject([{ reason: expect.stringMatching(/^it was retried at /) }])
    }))

  test('a holder that was overtaken commits nothing and says so', () =>
    withLetters(async ({ bus, clock, control, put }) => {
      await put(ofSender('a'))
      const overtaken = new LocalControl({
        bus: {
          ...asBus(bus),
          read: (topic, partition, from) => overtake(bus, () => bus.read(topic, partition, from)),
        },
        clock,
        config: () => config,
        version: '1',
        hostName: 'relay-1',
      })
      await expect(overtaken.retryDeadLetters({ filter: {} })).rejects.toThrow(/somebody else handles dead letters/)
      expect(await jobsIn(bus)).toEqual([])
      expect((await control.retryDeadLetters({ filter: {} })).retried).toHaveLength(1)
    }))

  test('a letter whose replay failed or was cancelled is open again', () =>
    withLetters(async ({ bus, control, put }) => {
      await put(ofSender('a'))
      const { retried } = await control.retryDeadLetters({ filter: {} })
      await control.cancelReplay(retried[0]?.job ?? '')
      expect((await control.deadLetters({})).letters).toHaveLength(1)
      const second = await control.retryDeadLetters({ filter: {} })
      const job = (await jobsIn(bus)).find(({ id }) => id === second.retried[0]?.job)
      if (job === undefined) throw new Error('no job')
      await writeJobs({ bus }, 'test', [{ ...job, state: 'done', endedMs: 1 }])
      expect((await control.deadLetters({})).letters).toEqual([])
    }))
})

describe('dropping', () => {
  test('hides letters, by id or all that fit; they stay in the log', () =>
    withLetters(async ({ control, put }) => {
      await put(ofSender('a'), ofFormatter('b', 'x'), ofFormatter('c', 'y'))
      const { dropped } = await control.dropDeadLetters({ filter: { stage: 'formatter' }, by: 'ada' })
      expect(dropped).toHaveLength(2)
      expect((await control.deadLetters({})).letters.map(({ key }) => key)).toEqual(['a'])
      expect((await control.deadLetters({ all: true })).letters.map(({ mark }) => mark?.action)).toEqual([
        'dropped',
        'dropped',
        undefined,
      ])
      const again = await control.dropDeadLetters({ ids: [dropped[0] ?? '', '0-77777'] })
      expect(again.refused.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/^it was dropped at/),
        expect.stringMatching(/no such dead letter/),
      ])
    }))

  test('takes a bounded number at once and says that there are more', () =>
    withLetters(async ({ bus, control }) => {
      await using writer = await bus.writer('test')
      const letter = ofSender('k')
      await writer.commit({
        records: Array.from({ length: 1_003 }, (_, n) => ({
          topic: deadLettersTopic.name,
          key: `k${n}`,
          value: Buffer.from('x'),
          headers: letter.headers ?? {},
        })),
      })
      const first = await control.dropDeadLetters({ filter: {} })
      expect([first.dropped.length, first.isMore]).toEqual([1_000, true])
      const second = await control.dropDeadLetters({ filter: {} })
      expect([second.dropped.length, second.isMore]).toEqual([3, false])
      await using marks = await bus.table(deadLetterMarksTopic)
      expect([...marks.entries()]).toHaveLength(1_003)
    }))
})

/** The bus as a plain object, whose parts a test replaces. */
function asBus(bus: SqliteBus): SqliteBus {
  return new Proxy({} as SqliteBus, {
    get: (_, name) => {
      const value: unknown = Reflect.get(bus, name)
      return typeof value === 'function' ? value.bind(bus) : value
    },
    ownKeys: () => ['ensureTopics', 'deleteTopics', 'writer', 'table', 'read', 'positions', 'intake'],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  })
}

async function* overtake<T>(bus: SqliteBus, read: () => AsyncIterable<T>): AsyncIterable<T> {
  await using _ = await bus.writer('dead-letters/control')
  yield* read()
}
