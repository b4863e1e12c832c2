import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { KafkaError, kafkaErrors } from './error-codes.ts'
import { offsetFetchRequest } from './group-requests.ts'

const partitions = [
  { topic: 'in', partition: 0 },
  { topic: 'in', partition: 7 },
]

describe('offsetFetchRequest', () => {
  test.each([
    { isStable: true, flag: '01' },
    { isStable: false, flag: '00' },
  ])('asks as OffsetFetch v7 with require_stable $flag', ({ isStable, flag }) => {
    const writer = new ByteWriter()
    offsetFetchRequest('copy', partitions, isStable).write(writer)
    // Header v2 ends with its tagged fields; then group_id, topics [name, partition_indexes, tags], require_stable, tags.
    const topics = ['02', '03696e', '03', '00000000', '00000007', '00']
    expect(writer.written.toString('hex')).toBe(['00', '05636f7079', ...topics, flag, '00'].join(''))
  })

  /** Response header v1 and OffsetFetch response v7; the second partition was never committed. */
  const answer = (errors: { readonly group?: string; readonly partition?: string } = {}): ByteReader => {
    const first = ['00000000', '000000000000002a', 'ffffffff', '01', errors.partition ?? '0000', '00']
    // A remark of null, and a tagged field that a newer broker may add.
    const second = ['00000007', 'ffffffffffffffff', 'ffffffff', '00', '0000', '01', '05', '02', 'abcd']
    const topics = ['02', '03696e', '03', ...first, ...second, '00']
    return new ByteReader(Buffer.from(['00', '00000000', ...topics, errors.group ?? '0000', '00'].join(''), 'hex'))
  }
  const read = (reader: ByteReader): unknown => offsetFetchRequest('copy', partitions, true).read(reader)

  test('reads offsets, and undefined where the group never committed', () =>
    expect(read(answer())).toEqual([
      { topic: 'in', partition: 0, next: 42 },
      { topic: 'in', partition: 7, next: undefined },
    ]))

  test.each([
    { where: 'of a partition', errors: { partition: '0058' }, code: kafkaErrors.unstableOffsetCommit },
    { where: 'of the whole group', errors: { group: '000e' }, code: kafkaErrors.coordinatorLoading },
  ])('throws the error $where', ({ errors, code }) => {
    expect(() => read(answer(errors))).toThrow(KafkaError)
    expect(() => read(answer(errors))).toThrow(expect.objectContaining({ code }))
  })
})
