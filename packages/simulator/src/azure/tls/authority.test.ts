import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from './authority.ts'
import { der } from './der.ts'

const nowMs = Date.UTC(2026, 10, 24, 12)

describe('an authority', () => {
  test('signs itself and may sign others', () => {
    const certificate = new X509Certificate(createAuthority(nowMs).certificate)
    expect(certificate.ca).toBe(true)
    expect(certificate.subject).toBe('CN=siem-relay simulator authority')
    expect(certificate.checkIssued(certificate)).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.validFromDate).toEqual(new Date(nowMs - 86_400_000))
    expect(certificate.validToDate).toEqual(new Date(nowMs + 3650 * 86_400_000))
  })

  test('two of them do not vouch for each other', () => {
    const [one, other] = [createAuthority(nowMs), createAuthority(nowMs)]
    const server = new X509Certificate(issueServerCertificate(one, ['localhost'], nowMs).certificate)
    expect(server.verify(new X509Certificate(one.certificate).publicKey)).toBe(true)
    expect(server.verify(new X509Certificate(other.certificate).publicKey)).toBe(false)
    expect(server.checkIssued(new X509Certificate(other.certificate))).toBe(false)
  })
})

describe('a server certificate', () => {
  const authority = createAuthority(nowMs)
  const names = ['localhost', 'azure.example', '127.0.0.1', '::1', '2001:db8::a:b']
  const pair = issueServerCertificate(authority, names, nowMs)
  const certificate = new X509Certificate(pair.certificate)

  test('is for the names and addresses asked for and for no other', () => {
    expect(certificate.checkHost('azure.example')).toBe('azure.example')
    expect(certificate.checkHost('other.example')).toBeUndefined()
    for (const address of ['127.0.0.1', '::1', '2001:db8::a:b']) expect(certificate.checkIP(address)).toBe(address)
    expect(certificate.checkIP('127.0.0.2')).toBeUndefined()
  })

  test('is issued by the authority, for servers, and may not sign others', () => {
    expect(certificate.checkIssued(new X509Certificate(authority.certificate))).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  test('belongs to its private key', () => {
    expect(certificate.checkPrivateKey(createPrivateKey(pair.privateKey))).toBe(true)
  })
})

describe('DER', () => {
  test.each([
    ['a short length', der.octetString(Buffer.alloc(0x7f)), '047f'],
    ['a long one', der.octetString(Buffer.alloc(0x80)), '048180'],
    ['a longer one', der.octetString(Buffer.alloc(435)), '048201b3'],
  ])('writes %s (X.690 §8.1.3)', (_, bytes, start) => expect(bytes.toString('hex').startsWith(start)).toBe(true))

  test.each([
    ['00', '020100'],
    ['007f', '02017f'],
    ['80', '02020080'],
    ['0100', '02020100'],
  ])('writes the number %s unsigned and in as few bytes as it takes (X.690 §8.3)', (hex, expected) => {
    expect(der.integer(Buffer.from(hex, 'hex')).toString('hex')).toBe(expected)
  })

  test('writes object identifiers (X.690 §8.19.5, and RSA’s arc)', () => {
    expect(der.objectIdentifier('2.999.3').toString('hex')).toBe('0603883703')
    expect(der.objectIdentifier('1.2.840.113549').toString('hex')).toBe('06062a864886f70d')
  })

  test('writes times with two digits of the year through 2049, with four from then on (RFC 5280 §4.1.2.5)', () => {
    expect(der.time(Date.UTC(2049, 11, 31, 23, 59, 59)).toString('latin1')).toBe('\x17\r491231235959Z')
    expect(der.time(Date.UTC(2050, 0, 1)).toString('latin1')).toBe('\x18\x0f20500101000000Z')
  })
})
