import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { startForTest } from '../testing/client.ts'
import { createAuthority } from './authority.ts'

function handshake(port: number, options: Parameters<typeof connect>[1] & object): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', options, () => {
      resolve(socket.getProtocol() ?? '')
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

describe('TLS', () => {
  test('is verified by the simulator’s authority, under every name of this machine and those asked for', async () => {
    await using setup = await startForTest({ names: ['azure.example'] })
    const port = Number(new URL(setup.azure.endpoint).port)
    for (const servername of ['localhost', 'azure.example']) {
      expect(await handshake(port, { ca: setup.azure.caCert, servername })).toBe('TLSv1.3')
    }
    await expect(handshake(port, { ca: setup.azure.caCert, servername: 'other.example' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  test('is refused by who does not know the authority', async () => {
    await using setup = await startForTest()
    await expect(fetch(setup.azure.endpoint)).rejects.toMatchObject({
      cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    })
  })

  test('takes 1.2 and nothing older', async () => {
    await using setup = await startForTest()
    const port = Number(new URL(setup.azure.endpoint).port)
    const ca = setup.azure.caCert
    expect(await handshake(port, { ca, maxVersion: 'TLSv1.2' })).toBe('TLSv1.2')
    // Without lowering the security level the client itself would refuse.
    const old = { ca, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(handshake(port, old)).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  })

  test('an authority that is given stays the same over starts', async () => {
    const authority = createAuthority(Date.now())
    for (let start = 0; start < 2; start += 1) {
      await using setup = await startForTest({ authority })
      expect(setup.azure.caCert).toBe(authority.certificate)
      const port = Number(new URL(setup.azure.endpoint).port)
      expect(await handshake(port, { ca: authority.certificate })).toBe('TLSv1.3')
    }
  })

  test('a port that is taken is an error', async () => {
    await using setup = await startForTest()
    const port = Number(new URL(setup.azure.endpoint).port)
    await expect(startForTest({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
