/** Certificates for tests, made with the openssl command in a temporary folder: two authorities, good and bad servers, clients. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface KeyPair {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface Certificates extends AsyncDisposable {
  readonly folder: string
  /** Signs `server`, `wrongName`, `expired` and `client`. */
  readonly ca: KeyPair
  /** Signs `strangerClient`. */
  readonly otherCa: KeyPair
  /** For 127.0.0.1 and localhost. */
  readonly server: KeyPair
  readonly wrongName: KeyPair
  readonly expired: KeyPair
  readonly client: KeyPair
  readonly strangerClient: KeyPair
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'siem-relay-certificates-'))
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })

  const pair = async (name: string): Promise<KeyPair> => {
    const certFile = join(folder, `${name}.pem`)
    const keyFile = join(folder, `${name}.key`)
    return { certFile, keyFile, cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') }
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = async (name: string): Promise<KeyPair> => {
    await openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    )
    return pair(name)
  }
  const signed = async (name: string, authorityName: string, names: string, days = '2'): Promise<KeyPair> => {
    await openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    await writeFile(join(folder, `${name}.ext`), `subjectAltName=${names}\n`)
    const authorityFiles = ['-CA', `${authorityName}.pem`, '-CAkey', `${authorityName}.key`, '-CAcreateserial']
    await openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...authorityFiles,
      '-out',
      `${name}.pem`,
      '-days',
      days,
      '-extfile',
      `${name}.ext`,
    )
    return pair(name)
  }

  const ca = await authority('ca')
  const otherCa = await authority('other-ca')
  const here = 'IP:127.0.0.1,DNS:localhost'
  return {
    folder,
    ca,
    otherCa,
    server: await signed('server', 'ca', here),
    wrongName: await signed('wrong-name', 'ca', 'DNS:somewhere.example'),
    expired: await signed('expired', 'ca', here, '-1'),
    client: await signed('client', 'ca', 'DNS:relay.example'),
    strangerClient: await signed('stranger', 'other-ca', 'DNS:relay.example'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
