import { describe, expect, test } from 'vitest'
import { problemOfHost } from './addresses.ts'

const here = { isRemote: false }
const loopback = { isRemote: false, allowCidrs: ['127.0.0.0/8', '::1'] }

describe('an agent made in the portal', () => {
  test.each([
    ['169.254.169.254'],
    ['169.254.169.254:514'],
    ['[::ffff:169.254.169.254]'],
    ['::ffff:169.254.169.254'],
    ['[::ffff:a9fe:a9fe]:514'],
    ['[0:0:0:0:0:ffff:7f00:1]'],
    ['[64:ff9b::a9fe:a9fe]'],
    ['[fe80::1]'],
    ['[fd00:ec2::254]'],
    ['0.0.0.0'],
    ['0'],
    ['[::]'],
    ['0x7f000001'],
    ['0X7F.1'],
    ['017700000001'],
    ['2130706433'],
    ['localhost'],
    ['localhost.'],
    ['LOCALHOST'],
    ['a.localhost'],
    ['127.1'],
    ['127.0.0.1'],
    ['127.255.255.254:514'],
    ['[::1]'],
    ['[::1%lo]'],
    ['fe80::1%eth0'],
    ['metadata.google.internal'],
    ['metadata'],
    ['siem.contoso.cοm'],
    ['xn--.'],
    ['user@siem.contoso.com'],
    ['siem.contoso.com:514:514'],
    ['siem.contoso.com\r\nX: y'],
    ['-oProxyCommand=x'],
    ['siem.contoso.com:0'],
    ['siem.contoso.com:65536'],
    ['siem.contoso.com:22'],
    ['siem.contoso.com:6379'],
    ['/run/syslog.sock'],
    ['unix:/run/syslog.sock'],
    ['file:///etc/passwd'],
    ['siem..contoso.com'],
    [' siem.contoso.com'],
    ['siem.contoso.com\u0000'],
    ['224.0.0.1'],
    ['255.255.255.255'],
    [''],
  ])('may not send to %j', (host) => expect(problemOfHost(host, 514, here)).toEqual(expect.any(String)))

  test.each([
    ['siem.contoso.com'],
    ['siem.contoso.com.'],
    ['siem.contoso.com:6514'],
    ['10.1.2.3'],
    ['192.168.1.5:5514'],
    ['[fd12:3456::1]:6514'],
    ['203.0.113.9'],
    ['[2001:db8::9]'],
    ['2001:db8::9'],
    ['rsyslog'],
    ['siem_1.contoso.com'],
    ['xn--bcher-kva.example'],
  ])('may send to %j', (host) => expect(problemOfHost(host, 514, here)).toBeUndefined())

  test('reaches this machine only where that is allowed, and metadata never', () => {
    expect(problemOfHost('127.0.0.1', 514, loopback)).toBeUndefined()
    expect(problemOfHost('localhost', 514, loopback)).toBeUndefined()
    expect(problemOfHost('[::1]:5514', 514, loopback)).toBeUndefined()
    expect(problemOfHost('10.1.2.3', 514, loopback)).toMatch(/allowCidrs/)
    expect(problemOfHost('169.254.169.254', 514, { isRemote: false, allowCidrs: ['0.0.0.0/0'] })).toMatch(/never/)
  })

  test('that runs in another network may send to that network, and to its metadata never', () => {
    expect(problemOfHost('127.0.0.1', 514, { isRemote: true, allowCidrs: [] })).toBeUndefined()
    expect(problemOfHost('10.1.2.3', 514, { isRemote: true, allowCidrs: [] })).toBeUndefined()
    expect(problemOfHost('169.254.169.254', 514, { isRemote: true })).toMatch(/never/)
  })
})
