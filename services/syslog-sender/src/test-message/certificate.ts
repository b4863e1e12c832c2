/** The receiver's certificate and what is agreed on, in a sentence. Its texts are the receiver's: bounded and made printable. */
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { printable } from '@siem-relay/common'

const textMax = 120
const namesMax = 300

export function describeTls(socket: TLSSocket): string {
  const certificate = socket.getPeerCertificate()
  const protocol = socket.getProtocol() ?? 'TLS'
  if (Object.keys(certificate).length === 0) return `${protocol}; the receiver showed no certificate`
  const { subject, issuer, valid_to: validTo, subjectaltname } = certificate
  const parts = [
    `certificate of ${nameOf(subject)}`,
    ...(subjectaltname === undefined ? [] : [`for ${short(subjectaltname, namesMax)}`]),
    `issued by ${nameOf(issuer)}`,
    `valid until ${dateOf(validTo)}`,
  ]
  return `${protocol}; ${parts.join(', ')}`
}

function nameOf(name: PeerCertificate['subject'] | undefined): string {
  const text = name?.CN ?? name?.O ?? 'nobody'
  return short(Array.isArray(text) ? text.join(', ') : String(text), textMax)
}

function dateOf(text: string): string {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? short(text, textMax) : new Date(ms).toISOString().slice(0, 10)
}

function short(text: string, max: number): string {
  const clean = printable(text)
  return clean.length <= max ? clean : `${clean.slice(0, max)}…`
}
