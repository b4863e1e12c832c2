import { describe, expect, test } from 'vitest'
import { closest, editDistance } from './suggest.ts'

describe('editDistance', () => {
  test.each([
    ['kitten', 'sitting', 3],
    ['port', 'porrt', 1],
    ['path', 'paht', 1],
    ['', 'abc', 3],
    ['same', 'same', 0],
    ['ca', 'abc', 3],
  ])('%s and %s are %i apart (optimal string alignment)', (left, right, edits) => {
    expect(editDistance(left, right)).toBe(edits)
    expect(editDistance(right, left)).toBe(edits)
  })
})

describe('closest', () => {
  test('names the nearest word', () => {
    expect(closest('porrt', ['host', 'port', 'protocol'])).toBe('port')
    expect(closest('TCP', ['udp', 'tcp'])).toBe('tcp')
  })

  test('names nothing when nothing is near', () => {
    expect(closest('zebra', ['host', 'port'])).toBeUndefined()
    expect(closest('x', [])).toBeUndefined()
  })

  test('does not compare words of any length', () => {
    expect(closest('a'.repeat(1_000_000), ['a'.repeat(999_999)])).toBeUndefined()
  })
})
