import { describe, expect, test } from 'vitest'
import { allowCidrsDefault, refusedAddress } from './outbound-address.ts'

const usual = { allowCidrs: allowCidrsDefault }

describe('refusedAddress', () => {
  test.each([
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.9',
    '8.8.8.8',
    '2001:db8::1',
    'fd12:3456::1',
    '172.32.0.1',
  ])('%s may be sent to', (address) => expect(refusedAddress(address, usual)).toBeUndefined())

  test.each([
    '169.254.169.254',
    '169.254.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::ffff:169.254.169.254',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
  ])('%s never, also where everything is allowed', (address) =>
    expect(refusedAddress(address, { allowCidrs: ['0.0.0.0/0', '::/0'] })).toMatch(/never/),
  )

  test.each(['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1'])('%s only where its range is allowed', (address) => {
    expect(refusedAddress(address, usual)).toMatch(/portal\.allowCidrs/)
    expect(refusedAddress(address, { allowCidrs: ['127.0.0.0/8', '::1'] })).toBeUndefined()
  })

  test('private ones not where only others are allowed', () => {
    expect(refusedAddress('10.0.0.1', { allowCidrs: ['192.168.7.0/25'] })).toMatch(/portal\.allowCidrs/)
    expect(refusedAddress('192.168.7.127', { allowCidrs: ['192.168.7.0/25'] })).toBeUndefined()
    expect(refusedAddress('192.168.7.128', { allowCidrs: ['192.168.7.0/25'] })).toMatch(/portal\.allowCidrs/)
  })

  test.each([
    '',
    'localhost',
    '127.1',
    '0x7f000001',
    '2130706433',
    '010.0.0.1',
    '1.2.3.256',
    '1.2.3',
    ':::',
    '1::2::3',
    'g::1',
    '::1.2.3',
  ])('%j is no address', (text) => expect(refusedAddress(text, usual)).toBe('is no address'))
})
