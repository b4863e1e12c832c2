/** RELP over TLS. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, makeCertificates } from '../../testing/certificates.ts'
import { Receiver } from '../../testing/receiver.ts'
import { RelpServer } from '../../testing/relp-server.ts'
import { cefLines, eventually, startRelpSender } from '../../testing/sender.ts'

describe('over TLS', () => {
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await makeCertificates()
  })
  afterAll(() => certificates[Symbol.asyncDispose]())

  const tlsServer = (more: object = {}) => {
    const { cert, key } = certificates.server
    return RelpServer.start({ tls: { cert, key, ...more } })
  }

  test('delivers, from the handshake on: TLS starts at connect', async () => {
    await using server = await tlsServer()
    await using sender = await startRelpSender(server.port, { tls: { caFile: certificates.ca.certFile } })
    await sender.give(cefLines(2_000))
    await sender.running.stop(5_000)
    expect(server.lines).toEqual(cefLines(2_000))
    expect(sender.committed()).toBe(2_000)
  })

  test('a receiver of an unknown authority gets nothing', async () => {
    await using server = await tlsServer()
    await using sender = await startRelpSender(server.port, { tls: { caFile: certificates.otherCa.certFile } })
    await sender.give(cefLines(3))
    await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_TLS'))
    expect(sender.status().lastError?.message).toContain('an authority not in tls.caFile')
    expect(server.read).toEqual([])
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: a receiver that refuses us for our certificate is named as such',
    async (maxVersion) => {
      await using server = await tlsServer({
        maxVersion,
        ca: certificates.ca.cert,
        requestCert: true,
        rejectUnauthorized: true,
      })
      await using sender = await startRelpSender(server.port, { tls: { caFile: certificates.ca.certFile } })
      await sender.give(cefLines(3))
      await eventually(() => expect(sender.status().lastError?.code).toBe('RELAY_RECEIVER_AUTH'))
      expect(sender.status().lastError?.nextMove).toContain('tls.certFile')
      expect(server.read).toEqual([])
    },
  )

  test('a plain RELP port is named as one that speaks no TLS, and a TLS port without tls as one that wants it', async () => {
    await using plain = await RelpServer.start({ onOpen: () => true })
    // What librelp does with bytes that are no frame.
    await using closing = await Receiver.start({ onConnection: (socket) => socket.end('0 serverclose 0\n') })
    await using sender = await startRelpSender(closing.port, { tls: { caFile: certificates.ca.certFile } })
    await eventually(() => expect(sender.status().lastError?.message).toContain('this port does not speak TLS'))
    await using server = await tlsServer()
    await using other = await startRelpSender(server.port)
    await eventually(() => expect(other.status().lastError?.code).toBe('RELAY_RECEIVER_PROTOCOL'))
    expect(plain.peers).toEqual([])
  })
})
