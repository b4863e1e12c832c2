/** A failure as what was seen and what to do. Only its class is told: what the other side said stays with it. */
import { RelayError } from '@siem-relay/common'
import { codeOf } from '../tls.ts'
import { type Finding, StepFailure } from './steps.ts'

type Words = readonly [seen: string, fix: string]

const notTls: Words = [
  'this port does not speak TLS',
  'Set the port where the receiver speaks TLS (often 6514), or protocol: tcp for a plain one.',
]
export const wantsTls: Words = [
  'this port wants TLS',
  'Set protocol: tls; for relp add tls settings, and tls.caFile where the certificate is from an authority of your own.',
]
export const wantsCertificate: Words = [
  'the connection was closed at once after the handshake: the receiver wants a client certificate, or does not accept ours',
  'Set tls.certFile and tls.keyFile to a certificate that the receiver trusts.',
]

const byCode: Readonly<Record<string, Words>> = {
  ECONNREFUSED: [
    'the connection was refused: nobody listens at this port',
    'Check the port, and that the receiver runs and listens on this address and not on its own loopback only.',
  ],
  ENOTFOUND: ['the name is not known', 'Check the spelling of the host, and the name servers of this machine.'],
  EAI_AGAIN: ['the name server gave no answer', 'Check the name servers of this machine, or use an address.'],
  EHOSTUNREACH: ['there is no way to this address from here', 'Check the address, routes and firewalls between.'],
  ENETUNREACH: ['there is no way to this network from here', 'Check the address and the routes of this machine.'],
  ETIMEDOUT: [
    'there was no answer in time',
    'Check host and port; a firewall between may drop what it does not let through.',
  ],
  ECONNRESET: [
    'the connection was closed by the other side',
    "Look into the receiver's log for why it refuses this machine.",
  ],
  EPIPE: [
    'the connection was closed by the other side',
    "Look into the receiver's log for why it refuses this machine.",
  ],
  EACCES: ['this machine does not let the relay send there', 'Check its firewall and security policy.'],
  EPERM: ['this machine does not let the relay send there', 'Check its firewall and security policy.'],
  CERT_HAS_EXPIRED: ["the receiver's certificate has expired", "Renew the receiver's certificate."],
  CERT_NOT_YET_VALID: ["the receiver's certificate is not valid yet", 'Check the clocks of both machines.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "the receiver's certificate is for another name",
    'Set host, or tls.serverName, to a name the certificate is for.',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "the receiver's certificate is self-signed",
    'Put it into a file and set tls.caFile to that.',
  ],
}
const unknownAuthority: Words = [
  "the receiver's certificate is from an authority that is not known here",
  "Set tls.caFile to a file with the authority's certificate, and have the receiver send those between as well.",
]
const unknownAuthorityCodes =
  /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|CERT_UNTRUSTED)$/

/** What RELP's opening fails with, without what the receiver says of itself. */
const relp: readonly (readonly [RegExp, Words])[] = [
  [/refused the session/, ['the receiver refused the RELP session', "Look into the receiver's log for why."]],
  [
    /takes no syslog/,
    ['the receiver speaks RELP and takes no syslog messages', 'Enable syslog in its RELP input (imrelp).'],
  ],
  [
    /does not speak RELP|did not answer open|instead of answering open/,
    [
      'this port does not speak RELP',
      'Set the port of the RELP input (imrelp, often 2514 or 20514), or protocol: tcp or tls for another one.',
    ],
  ],
]

export function explain(error: unknown): Finding {
  if (error instanceof StepFailure) return error.finding
  const [seen, fix] = wordsOf(error)
  return { outcome: 'failed', seen, fix }
}

function wordsOf(error: unknown): Words {
  const code = codeOf(error instanceof RelayError ? error.cause : error)
  const known = byCode[code] ?? (unknownAuthorityCodes.test(code) ? unknownAuthority : undefined)
  if (known !== undefined) return known
  if (!(error instanceof RelayError)) return ['it failed', 'Check host and port, and the log of the receiver.']
  if (error.code === 'RELAY_RECEIVER_PROTOCOL') {
    const found = relp.find(([pattern]) => pattern.test(error.message))
    return found?.[1] ?? ['the receiver broke the rules of RELP', error.nextMove]
  }
  if (error.code === 'RELAY_RECEIVER_AUTH') return wantsCertificate
  if (error.code === 'RELAY_RECEIVER_TLS' && /does not speak TLS/.test(error.message)) return notTls
  if (error.code === 'RELAY_RECEIVER_UNREACHABLE' && /gave no answer within/.test(error.message))
    return byCode.ETIMEDOUT as Words
  if (error.code === 'RELAY_RECEIVER_UNREACHABLE' && /did not resolve/.test(error.message))
    return ['the name could not be resolved', 'Check the spelling of the host, and the name servers of this machine.']
  // Settings and files: our own words.
  return [error.message.replace(/; trying again.*$/, ''), error.nextMove]
}
