import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { kafkaErrors } from './error-codes.ts'
import { describeTransactionRequest } from './transaction-requests.ts'

/** Response header v1 and DescribeTransactions response v0 for `copy`, with a topic of two partitions. */
const answer = (error: string, state = Buffer.from('Ongoing').toString('hex'), tags = '00'): ByteReader => {
  const length = (state.length / 2 + 1).toString(16).padStart(2, '0')
  const times = ['0000ea60', '000001940a0b0c0d']
  const topics = ['02', '03', '696e', '03', '00000000', '00000001', '00']
  const states = ['02', error, '05636f7079', length, state, ...times, '0000000000000007', '0003', ...topics, tags]
  return new ByteReader(Buffer.from(['00', '00000000', ...states, '00'].join(''), 'hex'))
}

describe('describeTransactionRequest', () => {
  const request = describeTransactionRequest('copy')

  test('asks as DescribeTransactions v0', () => {
    const writer = new ByteWriter()
    request.write(writer)
    // Header v2 ends with its tagged fields; then transactional_ids and tags.
    expect(writer.written.toString('hex')).toBe(['00', '02', '05636f7079', '00'].join(''))
  })

  test.each([
    ['as it is', '00'],
    ['with a tagged field that a newer broker may add', '010502abcd'],
  ])('reads state and producer %s', (_, tags) =>
    expect(request.read(answer('0000', undefined, tags))).toEqual({
      state: 'Ongoing',
      producer: { producerId: 7n, producerEpoch: 3 },
    }),
  )

  test('nothing is known of an id that never had a transaction', () =>
    expect(request.read(answer('0069', ''))).toBeUndefined())

  test('throws what concerns the coordinator', () =>
    expect(() => request.read(answer('000e', ''))).toThrow(
      expect.objectContaining({ code: kafkaErrors.coordinatorLoading }),
    ))
})
