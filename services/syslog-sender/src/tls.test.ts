import { X509Certificate } from 'node:crypto'
import { copyFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { SecureVersion, TlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, type KeyPair, makeCertificates } from './testing/certificates.ts'
import { Receiver } from './testing/receiver.ts'
import { cefLine, cefLines, eventually, type SenderTestOptions, startSender } from './testing/sender.ts'

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates[Symbol.asyncDispose]())

const tlsReceiver = (pair: KeyPair, more: TlsOptions = {}): Promise<Receiver> =>
  Receiver.start({ framing: 'octet-counting', tls: { cert: pair.cert, key: pair.key, ...more } })

/** A sender that trusts the test's authority. */
const tlsSender = (
  port: number,
  tls: NonNullable<NonNullable<SenderTestOptions['syslog']>['tls']> = {},
  more: Partial<NonNullable<SenderTestOptions['syslog']>> = {},
) => startSender({ syslog: { port, protocol: 'tls', tls: { caFile: certificates.ca.certFile, ...tls }, ...more } })

const versions = ['TLSv1.2', 'TLSv1.3'] as const

test('trusts authorities given as text, and nobody else', async () => {
  const withText = (ca: string, port: number) =>
    startSender({ syslog: { port, protocol: 'tls', tls: { ca }, checkpointMessages: 10 } })
  await using receiver = await tlsReceiver(certificates.server)
  await using sender = await withText(certificates.ca.cert.toString(), receiver.port)
  await sender.give(cefLines(20))
  await sender.running.stop(8_000)
  expect(receiver.lines).toEqual(cefLines(20))
  await using stranger = await withText(certificates.otherCa.cert.toString(), receiver.port)
  void stranger.give(cefLines(1))
  await eventually(() => expect(stranger.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
})

describe.each(versions)('%s', (version: SecureVersion) => {
  test('delivers in order over many half-closed connections', async () => {
    await using receiver = await tlsReceiver(certificates.server, { maxVersion: version })
    await using sender = await tlsSender(receiver.port, {}, { checkpointMessages: 50 })
    await sender.give(cefLines(500))
    await sender.running.stop(8_000)
    expect(receiver.lines).toEqual(cefLines(500))
    expect(sender.committed()).toBe(500)
    expect(receiver.sockets.length).toBeGreaterThan(5)
  })

  test('it is known until when both certificates are valid', async () => {
    await using receiver = await tlsReceiver(certificates.server, { maxVersion: version })
    await using sender = await tlsSender(receiver.port, pairFiles(certificates.client))
    await sender.give(cefLines(1))
    const name = 'siem_relay_certificate_expiry_timestamp_seconds'
    for (const [holder, { cert }] of [
      ['own', certificates.client],
      ['receiver', certificates.server],
    ] as const)
      await eventually(async () =>
        expect(await sender.metric(name, { agent: 'siem', holder })).toBe(
          Date.parse(new X509Certificate(cert).validTo) / 1_000,
        ),
      )
  })

  test.each([
    ['no client certificate', undefined],
    ['a client certificate of a stranger', 'strangerClient'],
  ] as const)(
    'a receiver that refuses %s is an authentication failure, and nothing is acknowledged',
    async (_, name) => {
      await using receiver = await tlsReceiver(certificates.server, {
        maxVersion: version,
        ca: certificates.ca.cert,
        requestCert: true,
        rejectUnauthorized: true,
      })
      const client = name === undefined ? {} : pairFiles(certificates[name])
      // One message a checkpoint: a half-close at once would be answered by the refusing close.
      await using sender = await startSender({
        syslog: {
          port: receiver.port,
          protocol: 'tls',
          checkpointMessages: 1,
          tls: { caFile: certificates.ca.certFile, ...client },
        },
        tuning: { settleMs: { tcp: 0, tls: 2_000 } },
      })
      await sender.give([cefLine(0)])
      await eventually(() => expect(sender.status().lastError).toMatchObject({ code: 'RELAY_RECEIVER_AUTH' }))
      expect(sender.status()).toMatchObject({
        state: 'error',
        lastError: { nextMove: expect.stringContaining('tls.certFile') },
      })
      expect(receiver.lines).toEqual([])
      await sender.running.stop(0)
      expect(sender.committed()).toBe(0)
    },
  )

  test('a receiver that asks for a client certificate gets it', async () => {
    await using receiver = await tlsReceiver(certificates.server, {
      maxVersion: version,
      ca: certificates.ca.cert,
      requestCert: true,
      rejectUnauthorized: true,
    })
    await using sender = await tlsSender(receiver.port, pairFiles(certificates.client))
    await sender.give(cefLines(10))
    await sender.running.stop(8_000)
    expect(receiver.lines).toEqual(cefLines(10))
    expect(sender.committed()).toBe(10)
  })
})

describe('a receiver whose certificate is not to be trusted gets nothing', () => {
  test.each([
    ['expired', 'expired', {}, 'its certificate has expired'],
    ['for another name', 'wrongName', {}, 'its certificate is for another name'],
    [
      'of another name than serverName',
      'server',
      { serverName: 'siem.example' },
      'its certificate is for another name',
    ],
  ] as const)('%s', async (_, pair, tls, reason) => {
    await using receiver = await tlsReceiver(certificates[pair])
    await using sender = await tlsSender(receiver.port, tls)
    await sender.give([cefLine(0)])
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
    expect(sender.status().lastError?.message).toContain(reason)
    await sender.running.stop(0)
    expect(receiver.lines).toEqual([])
    expect(sender.committed()).toBe(0)
  })

  test('of an unknown authority', async () => {
    await using receiver = await tlsReceiver(certificates.server)
    await using sender = await tlsSender(receiver.port, { caFile: certificates.otherCa.certFile })
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
    expect(sender.status().lastError?.message).toContain('an authority not in tls.caFile')
  })

  test('verify: false takes any certificate', async () => {
    await using receiver = await tlsReceiver(certificates.expired)
    await using sender = await tlsSender(receiver.port, { caFile: certificates.otherCa.certFile, verify: false })
    await sender.give([cefLine(0)])
    await sender.running.stop(8_000)
    expect(sender.committed()).toBe(1)
  })

  test('serverName is the name that is verified and sent', async () => {
    const names: string[] = []
    await using receiver = await tlsReceiver(certificates.wrongName, {
      SNICallback: (name, callback) => {
        names.push(name)
        callback(null)
      },
    })
    await using sender = await tlsSender(receiver.port, { serverName: 'somewhere.example' })
    await sender.give([cefLine(0)])
    await sender.running.stop(8_000)
    expect(sender.committed()).toBe(1)
    expect(names).toContain('somewhere.example')
  })
})

test('a version below minVersion is refused', async () => {
  await using receiver = await tlsReceiver(certificates.server, { maxVersion: 'TLSv1.2' })
  await using sender = await tlsSender(receiver.port, { minVersion: 'TLSv1.3' })
  await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
})

describe('certificate files', () => {
  test('are read again at every connect, so that a mended one is taken up without a restart', async () => {
    const caFile = join(certificates.folder, 'mended-ca.pem')
    await copyFile(certificates.otherCa.certFile, caFile)
    await using receiver = await tlsReceiver(certificates.server)
    await using sender = await tlsSender(receiver.port, { caFile })
    await sender.give([cefLine(0)])
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
    await copyFile(certificates.ca.certFile, caFile)
    await eventually(() => expect(sender.status().state).toBe('connected'))
    await sender.running.stop(8_000)
    expect(sender.committed()).toBe(1)
  })

  test('that are missing or no PEM are named', async () => {
    await using receiver = await tlsReceiver(certificates.server)
    const caFile = join(certificates.folder, 'not-there.pem')
    await using sender = await tlsSender(receiver.port, { caFile })
    await eventually(() => expect(sender.status().lastError?.message).toContain(`${caFile} cannot be read`))
    await writeFile(caFile, '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n')
    await eventually(() => expect(sender.status().lastError?.message).toContain('not usable as PEM'))
  })
})

describe('a port that does not speak TLS', () => {
  test('is said to be one when it answers something else', async () => {
    await using receiver = await Receiver.start({ onConnection: (socket) => socket.write('220 hello\r\n') })
    await using sender = await tlsSender(receiver.port)
    await sender.give([cefLine(0)])
    await eventually(() => expect(sender.status().lastError?.message).toContain('this port does not speak TLS'))
    expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS')
    expect(receiver.messages.join()).not.toContain('CEF:')
  })

  test('is said to be one when it answers nothing', async () => {
    await using receiver = await Receiver.start({ manner: 'never-read' })
    await using sender = await tlsSender(receiver.port, {}, { connectTimeoutMs: 100 })
    await eventually(() => expect(sender.status().lastError?.message).toContain('this port does not speak TLS'))
  })

  test('is said to be one when it closes', async () => {
    const server = createServer((socket) => socket.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    await using sender = await tlsSender(address !== null && typeof address === 'object' ? address.port : 0)
    await eventually(() => expect(sender.status().lastError?.message).toContain('this port does not speak TLS'))
    server.close()
  })
})

test('confirm: write acknowledges nothing on a connection that is refused right after the handshake', async () => {
  await using receiver = await tlsReceiver(certificates.server, {
    maxVersion: 'TLSv1.2',
    ca: certificates.ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const syslog = {
    port: receiver.port,
    protocol: 'tls',
    confirm: 'write',
    tls: { caFile: certificates.ca.certFile },
  } as const
  await using sender = await startSender({ syslog, tuning: { settleMs: { tcp: 0, tls: 2_000 } } })
  await sender.give(cefLines(5))
  await eventually(() => expect(sender.status().lastError).toMatchObject({ code: 'RELAY_RECEIVER_AUTH' }))
  await sender.running.stop(0)
  expect(sender.committed()).toBe(0)
})

test('confirm: tcp-ack works under TLS', async () => {
  await using receiver = await tlsReceiver(certificates.server)
  await using sender = await tlsSender(receiver.port, {}, { confirm: 'tcp-ack', checkpointMessages: 100 })
  await sender.give(cefLines(1_000))
  await eventually(() => expect(sender.committed()).toBe(1_000))
  expect(receiver.sockets).toHaveLength(1)
  expect(receiver.lines).toEqual(cefLines(1_000))
})

function pairFiles({ certFile, keyFile }: KeyPair): { readonly certFile: string; readonly keyFile: string } {
  return { certFile, keyFile }
}
