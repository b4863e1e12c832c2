import { describe, expect, test } from 'vitest'
import { parseAddress } from './address.ts'

describe('parseAddress', () => {
  test.each([
    ['kafka:9092', { host: 'kafka', port: 9092 }],
    ['10.0.0.5:9093', { host: '10.0.0.5', port: 9093 }],
    ['[fd00::5]:9092', { host: 'fd00::5', port: 9092 }],
  ])('%s', (text, address) => expect(parseAddress(text)).toEqual(address))

  test.each(['kafka', 'kafka:', ':9092', 'kafka:0', 'kafka:70000', 'fd00::5:9092', 'kafka:9092/x'])(
    '%s is refused, with how to write it',
    (text) => expect(() => parseAddress(text)).toThrow(/HOST:PORT/),
  )
})
