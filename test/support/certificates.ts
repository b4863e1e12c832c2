/** Certificates for real receivers: an authority, a server named receiver.test and a client named client.test. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface ServerCertificate {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

/** Returns the server's; the client's stand beside it as client.pem and client.key. An authority that is there signs again. */
export function makeCertificates(directory: string, days = 2): ServerCertificate {
  const path = (name: string): string => join(directory, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  if (!existsSync(path('ca.pem')))
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1000',
      '-subj',
      '/CN=Test authority',
      '-keyout',
      path('ca.key'),
      '-out',
      path('ca.pem'),
    )
  for (const name of ['receiver', 'client']) {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}.test`,
      '-addext',
      `subjectAltName=DNS:${name}.test`,
      '-keyout',
      path(`${name}.key`),
      '-out',
      path(`${name}.csr`),
    )
    openssl(
      'x509',
      '-req',
      '-in',
      path(`${name}.csr`),
      '-CA',
      path('ca.pem'),
      '-CAkey',
      path('ca.key'),
      '-CAcreateserial',
      '-days',
      String(days),
      '-copy_extensions',
      'copy',
      '-out',
      path(`${name}.pem`),
    )
  }
  return { caFile: path('ca.pem'), certFile: path('receiver.pem'), keyFile: path('receiver.key') }
}
