import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Admin, type AdminOptions, startAdmin } from './admin.ts'
import { createHealth } from './health.ts'
import { counter, createMetrics } from './metrics.ts'
import { FakeClock } from './testing/fake-clock.ts'

const open: Admin[] = []
afterEach(async () => {
  for (const admin of open.splice(0)) await admin.close()
})

async function start(overrides: Partial<AdminOptions> = {}) {
  const health = createHealth()
  const metrics = createMetrics({ version: '1.0.0' })
  const admin = await startAdmin({ listen: '127.0.0.1:0', health, metrics, ...overrides })
  open.push(admin)
  const get = async (path: string, accept = 'text/plain') => {
    const response = await fetch(`${admin.url}${path}`, { headers: { accept } })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
  return { admin, health, metrics, get }
}

describe('/readyz', () => {
  test('is 200 while every check passes', async () => {
    const { health, get } = await start()
    health.register('bus', () => undefined)
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ready\n' })
  })

  test('is 503 with the failing checks while one fails, then 200 again', async () => {
    const { health, get } = await start()
    health.register('bus', () => undefined)
    const remove = health.register('sender/splunk', () => 'not connected')
    expect(await get('/readyz')).toMatchObject({ status: 503, text: '[-] sender/splunk: not connected\nnot ready\n' })
    remove()
    expect((await get('/readyz')).status).toBe(200)
  })

  test('?verbose lists passing checks, too', async () => {
    const { health, get } = await start()
    health.register('bus', () => undefined)
    health.register('sender/splunk', () => 'not connected')
    const { text } = await get('/readyz?verbose')
    expect(text).toBe('[+] bus: ready\n[-] sender/splunk: not connected\nnot ready\n')
  })

  test('answers JSON to those who ask for it', async () => {
    const { health, get } = await start()
    health.register('sender/splunk', () => 'not connected')
    const { status, text } = await get('/readyz', 'application/json')
    expect(status).toBe(503)
    expect(JSON.parse(text)).toEqual({
      ready: false,
      checks: [{ name: 'sender/splunk', ready: false, reason: 'not connected' }],
    })
  })

  test('a reason cannot forge a line', async () => {
    const { health, get } = await start()
    health.register('bus', () => 'bad\r\n[+] bus: ready\u2028x')
    expect((await get('/readyz')).text.split('\n')).toEqual(['[-] bus: bad  [+] bus: ready x', 'not ready', ''])
  })

  test('/healthz is the same', async () => {
    const { health, get } = await start()
    health.register('bus', () => 'closed')
    expect(await get('/healthz')).toMatchObject({ status: 503, text: '[-] bus: closed\nnot ready\n' })
  })
})

describe('/livez', () => {
  test('never looks at the checks', async () => {
    const { health, get } = await start()
    health.register('bus', () => 'closed')
    expect(await get('/livez')).toMatchObject({ status: 200, text: 'ok\n' })
  })

  test('is 503 when the event loop has not turned for 60 s, and recovers', async () => {
    const clock = new FakeClock()
    let stuckMs = 0
    const stuck = { ...timers(clock), monotonicMs: () => clock.monotonicMs() + stuckMs }
    const { get } = await start({ clock: stuck })
    stuckMs = 59_999
    expect((await get('/livez')).status).toBe(200)
    stuckMs = 60_000
    expect((await get('/livez')).status).toBe(503)
    await clock.advance(1_000)
    expect((await get('/livez')).status).toBe(200)
  })
})

function timers(clock: FakeClock): NonNullable<AdminOptions['clock']> {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, callback) => clock.after(ms, callback),
  }
}

describe('/metrics', () => {
  test("serves the registry in Prometheus' text format", async () => {
    const { metrics, get } = await start()
    counter(metrics, { name: 'siem_relay_events_total', help: 'Events.' }).inc(3)
    const { status, text, headers } = await get('/metrics')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(text).toContain('\nsiem_relay_events_total 3\n')
  })
})

describe('startAdmin', () => {
  test('listens on IPv6, too', async () => {
    const { admin, get } = await start({ listen: { host: '::1', port: 0 } })
    expect(admin.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect((await get('/livez')).status).toBe(200)
  })

  test('an address in use is refused with its name and the next move', async () => {
    const { admin } = await start()
    const listen = admin.url.replace('http://', '')
    const clock = new FakeClock()
    await expect(start({ listen, clock })).rejects.toMatchObject({
      code: 'RELAY_LISTEN_FAILED',
      message: `cannot listen on ${listen} (EADDRINUSE); another process holds it: choose another port, or stop that process`,
    })
    expect(clock.pending).toBe(0)
  })

  test('an address this machine does not have is refused', async () => {
    await expect(start({ listen: '192.0.2.1:0' })).rejects.toThrow('cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL)')
  })

  test('an address that is none is refused before anything is opened', async () => {
    await expect(start({ listen: ':9464' })).rejects.toThrow('write 127.0.0.1:9464')
  })

  test.each(['/', '/metrics/', '/livez/../metrics%00', '/__proto__'])('GET %s is 404', async (path) => {
    const { get } = await start()
    expect((await get(path)).status).toBe(404)
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s changes nothing', async (method) => {
    const { admin } = await start()
    expect((await fetch(`${admin.url}/readyz`, { method })).status).toBe(404)
  })

  test('close ends kept-alive and half-open connections and its timer', async () => {
    const clock = new FakeClock()
    const { admin } = await start({ clock })
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const socket = connect(Number(new URL(admin.url).port), '127.0.0.1')
    socket.on('close', () => resolve())
    socket.on('error', () => undefined)
    await new Promise<void>((done) => socket.write('GET /livez HTTP/1.1\r\n', () => done()))
    await fetch(`${admin.url}/livez`).then((response) => response.text())
    await admin.close()
    await closed
    expect(clock.pending).toBe(0)
    await expect(fetch(`${admin.url}/livez`)).rejects.toThrow()
  })
})
