/** TLS towards receivers: settings to connection options, and what a failure means in words an operator can act on.
 *  Certificate files are read at every connect, so that a renewed one is taken up without a restart. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  type SecureContext,
} from 'node:tls'
import { RelayError, type TlsSettings } from '@siem-relay/common'
import type { Target } from './targets.ts'

/** Makes the TLS part of the options of one connection. One per agent: keeps the last context while the files stay the same. */
export function createTlsOptions(settings: TlsSettings): (target: Target) => Promise<ConnectionOptions> {
  let known: { readonly fingerprint: string; readonly context: SecureContext } | undefined
  return async (target) => {
    const [caOfFile, cert, key] = await Promise.all([settings.caFile, settings.certFile, settings.keyFile].map(readPem))
    const files = [settings.ca ?? caOfFile, cert, key]
    const fingerprint = files.join('\n')
    if (known?.fingerprint !== fingerprint) known = { fingerprint, context: contextOf(settings, files) }
    const identity = settings.serverName ?? target.host
    return {
      secureContext: known.context,
      rejectUnauthorized: settings.verify,
      // RFC 6066 §3: a literal address is no server name.
      servername: isIP(identity) === 0 ? identity : '',
      checkServerIdentity: (_, certificate) => checkServerIdentity(identity, certificate),
    }
  }
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new RelayError('RELAY_RECEIVER_TLS', `${path} cannot be read; trying again until it can`, { cause })
  }
}

function contextOf(
  { ca: caText, caFile, certFile, keyFile, minVersion }: TlsSettings,
  [ca, cert, key]: readonly (string | undefined)[],
): SecureContext {
  try {
    if (ca !== undefined) checkCertificates(ca)
    const authorities = ca ?? [...getCACertificates('default'), ...getCACertificates('system')]
    return createSecureContext({ ca: authorities, minVersion, ...(cert && { cert }), ...(key && { key }) })
  } catch (cause) {
    const places = [caText === undefined ? caFile : 'tls.ca', certFile, keyFile]
    const paths = places.filter((path) => path !== undefined).join(', ')
    throw new RelayError('RELAY_RECEIVER_TLS', `${paths}: not usable as PEM certificates and key`, { cause })
  }
}

/** Node takes a file without certificates as one that trusts nobody. @throws when there is none, or one cannot be read. */
function checkCertificates(pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (blocks === null) throw new Error('it holds no certificate')
  for (const block of blocks) new X509Certificate(block)
}

/** What OpenSSL says of the receiver's certificate, and what that means. */
const verificationReasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check both clocks',
  CERT_REVOKED: 'its certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; put it into tls.caFile (or tls.ca) to trust it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was signed by an authority not in tls.caFile',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was signed by an authority not in tls.caFile',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was signed by an authority not in tls.caFile',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was signed by an authority not in tls.caFile',
  CERT_SIGNATURE_FAILURE: 'the signature of its certificate is wrong',
  INVALID_PURPOSE: 'its certificate is not meant for a server',
  CERT_UNTRUSTED: 'its certificate is not trusted',
}

/** Alerts by which a receiver refuses our certificate or its absence (RFC 8446 §6.2, RFC 5246 §7.2.2). */
const refusals =
  /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|HANDSHAKE_FAILURE|NO_CERTIFICATE)/

/** Answers that are not TLS at all. */
const notTls =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE|INVALID_RECORD/

/**
 * What a failed handshake means.
 * @returns undefined when the error says nothing of TLS: the connection itself failed.
 */
export function explainTlsError(error: unknown, target: Target): RelayError | undefined {
  if (error instanceof RelayError) return error
  const code = codeOf(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return tlsError(`${target.name}: its certificate is for another name; set tls.serverName, or correct host`, error)
  const reason = verificationReasons[code]
  if (reason !== undefined) return tlsError(`${target.name}: ${reason}`, error)
  if (refusals.test(code))
    return new RelayError(
      'RELAY_RECEIVER_AUTH',
      `${target.name} refused our client certificate or its absence; nothing is counted as delivered`,
      { cause: error },
    )
  if (notTls.test(code)) return tlsError(`${target.name}: this port does not speak TLS`, error)
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_'))
    return tlsError(`${target.name}: the TLS handshake failed`, error)
  return undefined
}

/**
 * The handshake got no answer, or a close instead of one.
 * @param hasAnswered keys were agreed on: the receiver speaks TLS, and what it did not like came from us.
 */
export function handshakeEnded(target: Target, how: string, hasAnswered: boolean, cause?: unknown): RelayError {
  if (hasAnswered)
    return new RelayError(
      'RELAY_RECEIVER_AUTH',
      `${target.name} ${how} the TLS handshake after its keys were agreed on: it refuses our certificate, or its absence`,
      { cause },
    )
  return new RelayError(
    'RELAY_RECEIVER_TLS',
    `${target.name} ${how} the TLS handshake: this port does not speak TLS, or the receiver refuses us`,
    { disposition: 'retry', cause },
  )
}

function tlsError(message: string, cause: unknown): RelayError {
  return new RelayError('RELAY_RECEIVER_TLS', message, { cause })
}

/** Node's `code`, empty when there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
