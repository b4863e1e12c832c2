import { describe, expect, test } from 'vitest'
import { agentSchema } from './agent.ts'
import { decodeJob, encodeJob, progressOf, type ReplayJob, rawTopicsOf, rawTopicsOfJob } from './jobs.ts'

const stretch = (partition: number, from: number, until: number) => ({ topic: 'out.soc', partition, from, until })
const job: ReplayJob = {
  kind: 'replay',
  id: 'r1',
  agent: 'soc',
  createdMs: 3,
  fromMs: 1,
  toMs: 2,
  source: 'out',
  stretches: [stretch(0, 5, 10)],
  records: 5,
  messagesPerSecondMax: 500,
  mark: false,
  state: 'running',
  isCleared: false,
}

describe('a job', () => {
  test('crosses the log unchanged', () => expect(decodeJob(encodeJob(job))).toEqual(job))

  test.each([
    ['not JSON', '{'],
    ['of another kind', JSON.stringify({ ...job, kind: 'backfill' })],
    ['with a name that cannot be a topic', JSON.stringify({ ...job, id: '../x' })],
    ['without stretches', JSON.stringify({ ...job, stretches: undefined })],
  ])('%s is left alone', (_, text) => expect(decodeJob(Buffer.from(text))).toBeUndefined())
})

describe('progress', () => {
  const stretches = [stretch(0, 5, 10), stretch(1, 0, 10), stretch(2, 7, 7)]
  const at = (...offsets: (number | undefined)[]) =>
    offsets.map((committed, partition) => ({ topic: 'out.soc', partition, committed }))

  test('is nothing before a group has committed', () =>
    expect(progressOf(stretches, at())).toEqual({ passed: 0, total: 15, isDone: false }))

  test('adds up what each partition has passed', () =>
    expect(progressOf(stretches, at(7, 9, 7))).toEqual({ passed: 11, total: 15, isDone: false }))

  test('is done when every end is committed, those of empty stretches too', () => {
    expect(progressOf(stretches, at(10, 10, undefined))).toEqual({ passed: 15, total: 15, isDone: false })
    expect(progressOf(stretches, at(10, 10, 7))).toEqual({ passed: 15, total: 15, isDone: true })
    expect(progressOf([], [])).toEqual({ passed: 0, total: 0, isDone: true })
  })

  test('takes offsets outside the stretch for its ends', () =>
    expect(progressOf([stretch(0, 5, 10)], at(3)).passed + progressOf([stretch(0, 5, 10)], at(99)).passed).toBe(5))
})

describe('raw topics', () => {
  const agent = (fields: object) => agentSchema.parse({ id: 'soc', console: true, ...fields })
  const names = (topics: readonly { name: string }[]) => topics.map(({ name }) => name)

  test('of an agent are those of its tenants and data types', () => {
    expect(names(rawTopicsOf(agent({}), ['a', 'b']))).toEqual([
      'raw.a.alerts',
      'raw.a.activities',
      'raw.b.alerts',
      'raw.b.activities',
    ])
    expect(names(rawTopicsOf(agent({ tenants: ['b'], activities: { enabled: false } }), ['a', 'b']))).toEqual([
      'raw.b.alerts',
    ])
  })

  test('of a job are found by name, each once', () => {
    const of = (topic: string, partition: number) => ({ topic, partition, from: 0, until: 1 })
    const stretches = [of('raw.a.activities', 0), of('raw.a.activities', 1), of('raw.a.alerts', 0), of('out.a', 0)]
    expect(rawTopicsOfJob({ stretches }).map(({ name, partitions }) => [name, partitions])).toEqual([
      ['raw.a.activities', 3],
      ['raw.a.alerts', 1],
    ])
  })
})
