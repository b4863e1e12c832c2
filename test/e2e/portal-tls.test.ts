/** The portal over TLS of its own and under a path, as a browser meets it. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

test('answers over TLS below its path, with a cookie for this host alone, and hangs up on plain HTTP', async () => {
  using directory = temporaryDirectory()
  const { caFile, certFile, keyFile } = makeCertificates(directory.path)
  const ca = readFileSync(caFile)
  const relay = await startTestRelay(directory.path, {
    portal: { listen: '127.0.0.1:0', path: '/siem', tls: { certFile, keyFile } },
  })
  try {
    const { port, pathname } = new URL(relay.portal!.url)
    expect(pathname).toBe('/siem')
    const ask = (method: string, path: string, body?: object): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? { accept: 'text/html' } : { 'content-type': 'application/json' }
        const options = { host: '127.0.0.1', port, method, path, headers, ca, servername: 'receiver.test' }
        const asking = request(options, (answer) => {
          let text = ''
          answer.on('data', (chunk) => {
            text += String(chunk)
          })
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
        })
        asking.on('error', reject)
        asking.end(body === undefined ? undefined : JSON.stringify(body))
      })

    const page = await ask('GET', '/siem/agents/new')
    expect(page.status).toBe(200)
    const script = /src="([^"]+\.js)"/.exec(page.text)?.[1] ?? ''
    expect(script).toMatch(/^\/siem\/assets\//)
    expect((await ask('GET', script)).headers['content-type']).toMatch(/^text\/javascript/)
    expect(await ask('GET', '/siem')).toMatchObject({ status: 308, headers: { location: '/siem/' } })
    expect((await ask('GET', '/api/v1/session')).status).toBe(404)
    expect((await ask('GET', '/siem/assets/docs/using/portal.md')).text).toMatch(/^# The portal/)

    const token = relay.portal?.setUpLink?.split('token=')[1]
    const made = await ask('POST', '/siem/api/v1/setup', { token, name: 'ada', password: 'correct horse battery' })
    expect(made.status).toBe(200)
    expect(made.headers['set-cookie']?.[0]).toMatch(/^__Host-siem_relay_session=.*; Secure; SameSite=Strict$/)
    expect(made.headers['strict-transport-security']).toMatch(/max-age/)

    const plain = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
    })
    expect(plain).not.toMatch(/^HTTP\/1\.1 [25]/)
  } finally {
    await relay.stop(0)
  }
})
