import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AcknowledgedPrefix } from './acknowledged-prefix.ts'

const letter = (key: string) => ({ topic: 'dead-letters', key, value: Buffer.from(key), headers: {} })

describe('AcknowledgedPrefix', () => {
  test('has nothing to commit before the first record is acknowledged', () => {
    const prefix = new AcknowledgedPrefix(10)
    prefix.track([10, 11], 12)
    prefix.acknowledge(11, 11)
    expect(prefix.committable()).toBeUndefined()
    expect(prefix.outstanding).toBe(1)
  })

  test('jumps over gaps between offsets', () => {
    const prefix = new AcknowledgedPrefix(0)
    prefix.track([0, 5, 9], 12)
    prefix.acknowledge(0, 5)
    expect(prefix.committable()?.offset).toBe(9)
    prefix.acknowledge(9, 9)
    expect(prefix.committable()?.offset).toBe(12)
  })

  test('hands a letter out with the offset that passes it, until that is committed', () => {
    const prefix = new AcknowledgedPrefix(0)
    prefix.track([0, 1, 2], 3)
    prefix.deadLetter(1, letter('one'))
    expect(prefix.committable()).toBeUndefined()
    prefix.acknowledge(0, 0)
    expect(prefix.committable()).toEqual({ offset: 2, letters: [letter('one')] })
    expect(prefix.committable()?.letters).toHaveLength(1)
    prefix.committed(2)
    expect(prefix.committable()).toBeUndefined()
  })

  test('takes no second letter for a record, and none for an acknowledged one', () => {
    const prefix = new AcknowledgedPrefix(0)
    prefix.track([0, 1], 2)
    prefix.deadLetter(0, letter('first'))
    prefix.deadLetter(0, letter('second'))
    prefix.acknowledge(1, 1)
    prefix.deadLetter(1, letter('late'))
    expect(prefix.committable()?.letters.map((one) => one.key)).toEqual(['first'])
  })

  test('agrees with a set of offsets for any acknowledgements of any batches', () => {
    const gaps = fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 6 }), { maxLength: 5 })
    const ranges = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 20 })), { maxLength: 20 })
    fc.assert(
      fc.property(gaps, ranges, (batches, acknowledgements) => {
        const prefix = new AcknowledgedPrefix(0)
        const handedOut: number[] = []
        let next = 0
        for (const batch of batches) {
          const offsets = batch.map((gap) => {
            next += gap
            return next - 1
          })
          handedOut.push(...offsets)
          prefix.track(offsets, next)
        }
        const open = new Set(handedOut)
        for (const [first, length] of acknowledgements) {
          prefix.acknowledge(first, first + length)
          for (const offset of handedOut) if (offset >= first && offset <= first + length) open.delete(offset)
          expect(prefix.outstanding).toBe(open.size)
          const firstOpen = handedOut.find((offset) => open.has(offset))
          const passed = handedOut.filter((offset) => offset < (firstOpen ?? Number.POSITIVE_INFINITY))
          const committable = prefix.committable()
          // Everything acknowledged in front is passed, nothing open is.
          if (passed.length > 0) expect(committable?.offset).toBeGreaterThan(passed.at(-1) ?? 0)
          if (committable !== undefined) expect(committable.offset).toBeLessThanOrEqual(firstOpen ?? next)
        }
      }),
    )
  })
})
