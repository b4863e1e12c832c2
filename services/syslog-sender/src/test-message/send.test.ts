import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { agentSchema, allowCidrsDefault, refusedAddress } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { type Certificates, makeCertificates } from '../testing/certificates.ts'
import { Receiver } from '../testing/receiver.ts'
import { RelpServer } from '../testing/relp-server.ts'
import { sendTestMessage, type TestMessageOptions } from './send.ts'
import type { TestMessageReport } from './steps.ts'

type AgentInput = z.input<typeof agentSchema>
type SyslogInput = NonNullable<AgentInput['syslog']>

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates()
})
afterAll(() => certificates[Symbol.asyncDispose]())

const rules = { allowCidrs: [...allowCidrsDefault, '127.0.0.0/8'] }
const times = { totalMs: 8_000, connectMs: 1_000, settleMs: 100, confirmMs: 700, probeMs: 500, refusalMs: 300 }

function send(
  syslog: Partial<SyslogInput> & { readonly port: number },
  more: Partial<TestMessageOptions> = {},
  agent: Partial<AgentInput> = {},
): Promise<TestMessageReport> {
  const parsed = agentSchema.parse({ id: 'draft', syslog: { host: '127.0.0.1', ...syslog }, ...agent })
  return sendTestMessage(parsed, {
    world: { clock: systemClock, hostName: 'relay-host' },
    version: '1.2.3',
    refuses: (address) => refusedAddress(address, rules),
    times,
    ...more,
  })
}

/** `name outcome` of each step. */
const outcomes = ({ steps }: TestMessageReport): readonly string[] =>
  steps.map(({ name, outcome }) => `${name} ${outcome}`)
const failed = ({ steps }: TestMessageReport) => steps.find(({ outcome }) => outcome === 'failed')
const tls = (more: object = {}) => ({ tls: { caFile: certificates.ca.certFile, ...more } })

/** A server that does with each connection what it is told to. */
async function serving(accept: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    accept(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function closedPort(): Promise<number> {
  await using server = await serving(() => {})
  return server.port
}

describe('TCP', () => {
  test.each(['lf', 'octet-counting'] as const)(
    'a receiver that reads gets the line as an agent would send it (%s)',
    async (framing) => {
      await using receiver = await Receiver.start({ framing })
      const report = await send({ port: receiver.port, framing })
      expect(outcomes(report)).toEqual(['settings ok', 'dns ok', 'connect ok', 'send ok', 'confirm ok'])
      expect(report.ok).toBe(true)
      expect(receiver.messages).toEqual([report.line])
      expect(report.line).toMatch(
        /^<166>\S+ relay-host CEF:0\|MCAS\|SIEM_Agent\|1\.2\.3\|SIEM_RELAY_TEST\|Test message\|0\|externalId=test-\d+ rt=\d+ msg=/,
      )
      expect(report.steps.filter(({ outcome }) => outcome === 'ok').every(({ ms }) => ms !== undefined)).toBe(true)
    },
  )

  test('a port where nobody listens refuses', async () => {
    const report = await send({ port: await closedPort() })
    expect(failed(report)).toMatchObject({ name: 'connect', seen: expect.stringMatching(/refused: nobody listens/) })
    expect(outcomes(report).slice(-3)).toEqual(['connect failed', 'send skipped', 'confirm skipped'])
  })

  test('a port that wants TLS is told from one that closes', async () => {
    const { cert, key } = certificates.server
    await using receiver = await Receiver.start({ tls: { cert, key } })
    expect(failed(await send({ port: receiver.port }))).toMatchObject({ name: 'confirm', seen: 'this port wants TLS' })
  })

  test('a receiver that closes at once', async () => {
    await using server = await serving((socket) => socket.end())
    expect(failed(await send({ port: server.port }))?.seen).toBe('the connection was closed at once')
  })

  test('a receiver that never closes has not confirmed', async () => {
    await using receiver = await Receiver.start({ manner: 'ignore-end' })
    const report = await send({ port: receiver.port })
    expect(report.ok).toBe(false)
    expect(failed(report)).toMatchObject({ name: 'confirm', fix: expect.stringMatching(/confirm: tcp-ack/) })
  })

  test('what another kind of server says is not told', async () => {
    await using ssh = await serving((socket) => {
      socket.write('SSH-2.0-SecretVersion_1\r\n')
      socket.on('data', () => {}).on('end', () => socket.end())
    })
    await using http = await serving((socket) =>
      socket.on('data', () => socket.end('HTTP/1.1 400 SecretVersion\r\n\r\n')),
    )
    for (const { port } of [ssh, http]) {
      const report = await send({ port })
      expect(failed(report)).toMatchObject({ name: 'confirm', seen: expect.stringMatching(/^something answered/) })
      expect(JSON.stringify(report)).not.toContain('SecretVersion')
    }
  })

  test('a server that talks without end is left', async () => {
    await using server = await serving((socket) => {
      const chunk = Buffer.alloc(65_536, 'x')
      const talk = (): void => void (socket.write(chunk) ? setImmediate(talk) : socket.once('drain', talk))
      talk()
    })
    expect((await send({ port: server.port })).ok).toBe(false)
  })

  test('it is over in bounded time, whatever does not answer', async () => {
    await using server = await serving((socket) => socket.pause())
    const report = await send({ port: server.port }, { times: { ...times, totalMs: 300, confirmMs: 60_000 } })
    expect(failed(report)).toMatchObject({ name: 'confirm', seen: 'it was not done after 0.3 s' })
  })

  test('the next receiver is tried when one fails', async () => {
    await using receiver = await Receiver.start()
    const report = await send({ host: [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${receiver.port}`], port: 514 })
    expect(report.ok).toBe(true)
    expect(outcomes(report)).toEqual([
      'settings ok',
      'dns ok',
      'connect failed',
      'dns ok',
      'connect ok',
      'send ok',
      'confirm ok',
    ])
  })

  test('a form that loses lines on rsyslog is a warning', async () => {
    await using receiver = await Receiver.start()
    const report = await send({ port: receiver.port, force: true }, {}, { header: { pri: false } })
    expect(report.steps[0]).toMatchObject({
      name: 'settings',
      outcome: 'warning',
      seen: expect.stringMatching(/rsyslog/),
    })
    expect(report.ok).toBe(true)
  })
})

describe('TLS', () => {
  test('tells of the certificate and the protocol', async () => {
    const { cert, key } = certificates.server
    await using receiver = await Receiver.start({ framing: 'octet-counting', tls: { cert, key } })
    const report = await send({ port: receiver.port, protocol: 'tls', ...tls() })
    expect(outcomes(report)).toEqual(['settings ok', 'dns ok', 'connect ok', 'tls ok', 'send ok', 'confirm ok'])
    const year = new Date().getUTCFullYear()
    expect(report.steps.find(({ name }) => name === 'tls')?.seen).toMatch(
      new RegExp(
        `^TLSv1.3; certificate of server, for IP Address:127.0.0.1, DNS:localhost, issued by ca, valid until (${year}|${year + 1})-`,
      ),
    )
    expect(receiver.messages).toEqual([report.line])
  })

  test.each([
    ['an expired certificate', 'expired', {}, /has expired/],
    ['a certificate for another name', 'wrongName', {}, /for another name; TLSv1.3; certificate of wrong-name/],
    ['an unknown authority', 'server', { caFile: 'other' }, /authority that is not known here/],
  ] as const)('%s fails before anything is sent', async (_, name, settings, seen) => {
    const { cert, key } = certificates[name]
    await using receiver = await Receiver.start({ framing: 'octet-counting', tls: { cert, key } })
    const more = 'caFile' in settings ? { caFile: certificates.otherCa.certFile } : {}
    const report = await send({ port: receiver.port, protocol: 'tls', ...tls(more) })
    expect(failed(report)).toMatchObject({ name: 'tls', seen: expect.stringMatching(seen), fix: expect.any(String) })
    expect(receiver.messages).toEqual([])
  })

  test('verify: false sends, and says what is wrong', async () => {
    const { cert, key } = certificates.expired
    await using receiver = await Receiver.start({ framing: 'octet-counting', tls: { cert, key } })
    const report = await send({ port: receiver.port, protocol: 'tls', ...tls({ verify: false }) })
    expect(report.ok).toBe(true)
    expect(report.steps.find(({ name }) => name === 'tls')).toMatchObject({
      outcome: 'warning',
      seen: expect.stringMatching(/not verified/),
    })
  })

  test('a receiver that wants a client certificate', async () => {
    const { cert, key } = certificates.server
    const options = { cert, key, ca: certificates.ca.cert, requestCert: true, rejectUnauthorized: true }
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      await using receiver = await Receiver.start({ framing: 'octet-counting', tls: { ...options, maxVersion } })
      const report = await send({ port: receiver.port, protocol: 'tls', ...tls() })
      expect(failed(report)).toMatchObject({
        seen: expect.stringMatching(/client certificate/),
        fix: expect.stringMatching(/tls\.certFile/),
      })
      const { certFile, keyFile } = certificates.client
      expect((await send({ port: receiver.port, protocol: 'tls', ...tls({ certFile, keyFile }) })).ok).toBe(true)
    }
  })

  test('a plain receiver does not speak TLS, whether it answers or not', async () => {
    await using silent = await Receiver.start()
    await using loud = await serving((socket) => socket.on('data', () => socket.write('hello, who is there?\r\n')))
    for (const { port } of [silent, loud])
      expect(failed(await send({ port, protocol: 'tls', ...tls() }))).toMatchObject({
        name: 'tls',
        seen: 'this port does not speak TLS',
      })
  })

  test('files that cannot be read are named', async () => {
    await using receiver = await Receiver.start()
    const report = await send({ port: receiver.port, protocol: 'tls', tls: { caFile: '/nowhere/ca.pem' } })
    expect(failed(report)?.seen).toMatch(/^\/nowhere\/ca\.pem cannot be read/)
  })
})

describe('RELP', () => {
  test('a receiver that accepts', async () => {
    await using server = await RelpServer.start()
    const report = await send({ port: server.port, protocol: 'relp' })
    expect(outcomes(report)).toEqual(['settings ok', 'dns ok', 'connect ok', 'send ok', 'confirm ok'])
    expect(server.accepted.map((message) => message.trimEnd())).toEqual([report.line])
  })

  test('over TLS, and a port that wants it', async () => {
    const { cert, key } = certificates.server
    await using server = await RelpServer.start({ tls: { cert, key } })
    expect((await send({ port: server.port, protocol: 'relp', ...tls() })).ok).toBe(true)
    expect(failed(await send({ port: server.port, protocol: 'relp' }))?.seen).toBe('this port wants TLS')
  })

  test('refusals are told without the words of the receiver', async () => {
    await using session = await RelpServer.start({
      onOpen: ({ txnr }, peer) => {
        peer.answer(txnr, '500 secret words')
        return true
      },
    })
    await using message = await RelpServer.start({
      onMessage: ({ txnr }, peer) => {
        peer.answer(txnr, '500 secret words')
        return true
      },
    })
    const reports = [
      await send({ port: session.port, protocol: 'relp' }),
      await send({ port: message.port, protocol: 'relp' }),
    ]
    expect(reports.map((report) => [failed(report)?.name, failed(report)?.seen])).toEqual([
      ['send', 'the receiver refused the RELP session'],
      ['confirm', 'the receiver refused the line'],
    ])
    expect(JSON.stringify(reports)).not.toContain('secret')
  })

  test('a receiver of plain syslog does not speak it', async () => {
    await using receiver = await Receiver.start()
    expect(failed(await send({ port: receiver.port, protocol: 'relp' }))?.seen).toBe('this port does not speak RELP')
  })
})

describe('UDP', () => {
  test('handed over, and no more is known', async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const received = once(socket, 'message')
    const report = await send({ port: socket.address().port, protocol: 'udp' })
    expect(outcomes(report)).toEqual(['settings ok', 'dns ok', 'connect skipped', 'send ok', 'confirm warning'])
    expect(report.ok).toBe(true)
    expect(String((await received)[0])).toBe(report.line)
    socket.close()
  })

  test('nobody listens', async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    expect(failed(await send({ port, protocol: 'udp' }))).toMatchObject({
      name: 'confirm',
      seen: expect.stringMatching(/nobody listens/),
    })
  })
})

describe('addresses', () => {
  const resolve =
    (...addresses: readonly string[]) =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

  test.each(['169.254.169.254', '::ffff:169.254.169.254', '0.0.0.0', 'fe80::1', '::1'])(
    'a name that resolves to %s is not connected to',
    async (address) => {
      const report = await send({ host: 'siem.example', port: 514 }, { resolve: resolve(address) })
      expect(failed(report)).toMatchObject({ name: 'dns', seen: expect.stringContaining(address) })
      expect(outcomes(report)).toContain('connect skipped')
    },
  )

  test('what was checked is what is connected to: the name is asked once', async () => {
    await using receiver = await Receiver.start()
    let asked = 0
    const rebinding = async () =>
      asked++ === 0 ? [{ address: '127.0.0.1', family: 4 }] : [{ address: '127.0.0.2', family: 4 }]
    const report = await send({ host: 'siem.example', port: receiver.port }, { resolve: rebinding })
    expect(report.ok).toBe(true)
    expect(asked).toBe(1)
    expect(report.steps.find(({ name }) => name === 'dns')?.seen).toBe('siem.example is 127.0.0.1')
  })

  test('of several addresses those that may not be are left out, and the next is tried when one fails', async () => {
    await using receiver = await Receiver.start()
    const report = await send(
      { host: 'siem.example', port: receiver.port },
      { resolve: resolve('169.254.169.254', '127.0.0.3', '127.0.0.1') },
    )
    expect(report.ok).toBe(true)
    expect(outcomes(report)).toEqual([
      'settings ok',
      'dns ok',
      'connect warning',
      'connect ok',
      'send ok',
      'confirm ok',
    ])
  })

  test('a name that is not known', async () => {
    const unknown = async () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }))
    expect(failed(await send({ host: 'nowhere.example', port: 514 }, { resolve: unknown }))).toMatchObject({
      name: 'dns',
      seen: 'the name is not known',
    })
  })
})

test('an agent without a syslog receiver is told so', async () => {
  const agent = agentSchema.parse({ id: 'console', console: true })
  const world = { clock: systemClock, hostName: 'relay-host' }
  const report = await sendTestMessage(agent, { world, version: '1', refuses: () => undefined })
  expect(failed(report)).toMatchObject({ name: 'settings', seen: 'this agent has no syslog receiver' })
})
