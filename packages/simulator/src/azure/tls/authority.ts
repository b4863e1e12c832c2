/** A certificate authority of the simulator's own and the server certificate it signs: X.509 version 3 (RFC 5280), ECDSA
 *  on P-256. Made here because no other program and no package is needed for it, in a container as little as in a test. */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { isIP } from 'node:net'
import { der } from './der.ts'

/** PEM texts. */
export interface KeyPair {
  readonly certificate: string
  readonly privateKey: string
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

const authorityName = 'siem-relay simulator authority'
const dayMs = 86_400_000
const authorityDays = 3650
const serverDays = 365

/** @param nowMs the real time: peers check certificates against theirs, whatever clock the simulator runs on. */
export function createAuthority(nowMs: number): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = certify({
    subject: authorityName,
    publicKey,
    days: authorityDays,
    nowMs,
    issuerKey: privateKey,
    extensions: [
      extension(oids.basicConstraints, der.sequence(der.boolean(true)), 'critical'),
      // keyCertSign and cRLSign: bits 5 and 6.
      extension(oids.keyUsage, der.bitString(Buffer.from([0b0000_0110]), 1), 'critical'),
      extension(oids.subjectKeyIdentifier, der.octetString(keyIdentifier(publicKey))),
    ],
  })
  return { certificate, privateKey: pemOf(privateKey) }
}

/**
 * Signs a certificate for a server.
 * @param names host names and IP addresses it is reached by.
 * @throws when the authority's private key is none.
 */
export function issueServerCertificate(authority: KeyPair, names: readonly string[], nowMs: number): KeyPair {
  const issuerKey = createPrivateKey(authority.privateKey)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuerId = der.tagged(0, keyIdentifier(createPublicKey(issuerKey)), 'primitive')
  const certificate = certify({
    subject: names[0] ?? 'localhost',
    publicKey,
    days: serverDays,
    nowMs,
    issuerKey,
    extensions: [
      extension(oids.basicConstraints, der.sequence(), 'critical'),
      // digitalSignature: bit 0.
      extension(oids.keyUsage, der.bitString(Buffer.from([0b1000_0000]), 7), 'critical'),
      extension(oids.extendedKeyUsage, der.sequence(der.objectIdentifier(oids.serverAuth))),
      extension(oids.subjectAltName, der.sequence(...names.map(generalName))),
      extension(oids.subjectKeyIdentifier, der.octetString(keyIdentifier(publicKey))),
      extension(oids.authorityKeyIdentifier, der.sequence(issuerId)),
    ],
  })
  return { certificate, privateKey: pemOf(privateKey) }
}

interface Request {
  readonly subject: string
  readonly publicKey: KeyObject
  readonly days: number
  readonly nowMs: number
  readonly issuerKey: KeyObject
  readonly extensions: readonly Buffer[]
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 §4.1). */
function certify({ subject, publicKey, days, nowMs, issuerKey, extensions }: Request): string {
  const algorithm = der.sequence(der.objectIdentifier(oids.ecdsaWithSha256))
  const version3 = der.tagged(0, der.integer(Buffer.from([2])))
  const content = der.sequence(
    version3,
    der.integer(randomBytes(16)),
    algorithm,
    distinguishedName(authorityName),
    // A day of grace for clocks that are behind.
    der.sequence(der.time(nowMs - dayMs), der.time(nowMs + days * dayMs)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(3, der.sequence(...extensions)),
  )
  const signature = sign('sha256', content, issuerKey)
  const base64 = der.sequence(content, algorithm, der.bitString(signature)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
}

function distinguishedName(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.objectIdentifier(oids.commonName), der.utf8String(commonName))))
}

function extension(oid: string, value: Buffer, weight: 'critical' | 'optional' = 'optional'): Buffer {
  const critical = weight === 'critical' ? [der.boolean(true)] : []
  return der.sequence(der.objectIdentifier(oid), ...critical, der.octetString(value))
}

/** dNSName [2] IA5String, iPAddress [7] OCTET STRING (RFC 5280 §4.2.1.6). */
function generalName(name: string): Buffer {
  return isIP(name) === 0
    ? der.tagged(2, Buffer.from(name), 'primitive')
    : der.tagged(7, addressBytes(name), 'primitive')
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // The URL parser writes every IPv6 address the same way: hexadecimal groups, at most one `::`.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'))
  const zeros = new Array<string>(8 - groups(head).length - groups(tail).length).fill('0')
  return Buffer.from(
    [...groups(head), ...zeros, ...groups(tail)].map((group) => group.padStart(4, '0')).join(''),
    'hex',
  )
}

/** SHA-1 of the key's bits (RFC 5280 §4.2.1.2, method 1): a name, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  // An uncompressed P-256 point is the last 65 bytes of its SubjectPublicKeyInfo.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(point).digest()
}

function pemOf(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
