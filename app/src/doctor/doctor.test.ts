/** Prepared faults: the doctor names each cause, and what to do about it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { createAuthority, issueServerCertificate } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/terminal.ts'
import type { NamedFinding, SubjectReport } from './check.ts'

const dayMs = 86_400_000
const token = 'd'.repeat(64)

interface Parts extends AsyncDisposable {
  readonly directory: string
  /** The findings of a configuration, by `subject: check`. */
  examine(config: object): Promise<{ readonly code: number; readonly found: ReadonlyMap<string, NamedFinding> }>
  text(config: object): Promise<string>
  /** The port of a server that ends with the test. */
  serve(server: Server): Promise<number>
  /** Writes a file. @returns its path. */
  put(name: string, text: string): string
}

async function prepare(): Promise<Parts> {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-doctor-'))
  const servers: Server[] = []
  const put = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const run = (config: object, ...args: string[]) => {
    const base = { bus: { path: join(directory, 'log'), freeBytesMin: 1_048_576 }, admin: { listen: '127.0.0.1:0' } }
    put('siem-relay.yaml', JSON.stringify({ ...base, ...config }))
    return runInProcess(['doctor', ...args], { cwd: directory })
  }
  return {
    directory,
    put,
    examine: async (config) => {
      const { code, out } = await run(config, '--json')
      const { subjects } = JSON.parse(out) as { subjects: readonly SubjectReport[] }
      const named = subjects.flatMap(({ subject, findings }) =>
        findings.map((finding) => [`${subject.replace(/ \(.*/, '')}: ${finding.check}`, finding] as const),
      )
      return { code, found: new Map(named) }
    },
    text: async (config) => (await run(config)).out,
    serve: async (server) => {
      servers.push(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return (server.address() as AddressInfo).port
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const sourceAt = (port: number): object => ({
  id: 'contoso',
  type: 'defender-for-cloud-apps',
  url: `http://127.0.0.1:${port}`,
  auth: { type: 'token', token },
})
const api = (answer: RequestListener): Server => createHttpServer(answer)
const page = JSON.stringify({ data: [], hasNext: false, total: 0 })
const agentAt = (syslog: object): object => ({
  id: 'soc',
  syslog: { host: '127.0.0.1', connectTimeoutMs: 2_000, ...syslog },
})

describe('siem-relay doctor', () => {
  test('finds nothing where all is well, and says what it saw', async () => {
    await using parts = await prepare()
    const authority = createAuthority(Date.now())
    const pair = issueServerCertificate(authority, ['127.0.0.1', 'localhost'], Date.now())
    const tls = await parts.serve(createTlsServer({ cert: pair.certificate, key: pair.privateKey }))
    const source = await parts.serve(api((_, response) => response.end(page)))
    const caFile = parts.put('ca.pem', authority.certificate)
    const config = { sources: [sourceAt(source)], agents: [agentAt({ port: tls, protocol: 'tls', tls: { caFile } })] }
    const { code, found } = await parts.examine(config)
    expect([...found.values()].filter(({ status }) => status === 'failed' || status === 'warning')).toEqual([])
    expect(code).toBe(0)
    expect(found.get('agent soc: certificate')?.seen).toMatch(
      /^TLSv1\.3, 127\.0\.0\.1, issued by .*, valid until \d{4}-/,
    )
    expect(found.get('source contoso: clock')).toMatchObject({ status: 'ok' })
    const text = await parts.text(config)
    expect(text).toMatch(/^configuration \(siem-relay\.yaml\): 1 ok\n {2}settings {2}ok/)
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(text).not.toContain(token)
  })

  test('1: a configuration with a mistake', async () => {
    await using parts = await prepare()
    const { code, found } = await parts.examine({ agent: [] })
    expect(code).toBe(1)
    expect(found.get('configuration: settings')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/agent/),
      fix: expect.stringMatching(/siem-relay validate/),
    })
  })

  test('2: a token that is refused', async () => {
    await using parts = await prepare()
    const port = await parts.serve(api((_, response) => response.writeHead(401).end('{"detail":"Invalid token"}')))
    const { found } = await parts.examine({ sources: [sourceAt(port)] })
    expect(found.get('source contoso: alerts')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/refused the credentials for alerts \(401\)/),
      fix: expect.stringMatching(/Check the source's credentials/),
    })
  })

  test('3: a right that is missing, for one kind of records alone', async () => {
    await using parts = await prepare()
    const port = await parts.serve(
      api(({ url }, response) => (url?.includes('alerts') ? response.writeHead(403).end('{}') : response.end(page))),
    )
    const { found } = await parts.examine({ sources: [sourceAt(port)] })
    expect(found.get('source contoso: alerts')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/does not permit .* to read alerts \(403\)/),
      fix: expect.stringMatching(/Investigation\.read/),
    })
    expect(found.get('source contoso: activities')).toMatchObject({ status: 'ok' })
  })

  test('4: a clock that is an hour off', async () => {
    await using parts = await prepare()
    const port = await parts.serve(
      api((_, response) => response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString()).end(page)),
    )
    const { found } = await parts.examine({ sources: [sourceAt(port)] })
    expect(found.get('source contoso: clock')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/clock is 3(599|600) s ahead of/),
      fix: expect.stringMatching(/NTP/),
    })
  })

  test('5: an API that does not answer', async () => {
    await using parts = await prepare()
    const port = await parts.serve(createServer((socket) => socket.destroy()))
    const { found } = await parts.examine({ sources: [sourceAt(port)] })
    expect(found.get('source contoso: alerts')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/gave no answer/),
      fix: expect.stringMatching(/proxy, DNS and certificate trust/),
    })
  })

  test('6: a receiver whose name does not resolve', async () => {
    await using parts = await prepare()
    const { found } = await parts.examine({
      agents: [agentAt({ host: 'receiver.invalid', port: 6514, protocol: 'tls' })],
    })
    expect(found.get('agent soc: name')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/receiver\.invalid did not resolve/),
      fix: expect.stringMatching(/Check host, port, firewall/),
    })
    expect(found.get('agent soc: certificate')).toMatchObject({ status: 'skipped' })
  })

  test('7: a port on which nobody listens', async () => {
    await using parts = await prepare()
    const closed = createServer()
    const port = await parts.serve(closed)
    await new Promise((resolve) => closed.close(resolve))
    const { found } = await parts.examine({ agents: [agentAt({ port })] })
    expect(found.get('agent soc: connection')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/takes no connection: connect ECONNREFUSED/),
      fix: expect.stringMatching(/that the receiver is running/),
    })
  })

  test('8: a port that does not speak TLS', async () => {
    await using parts = await prepare()
    const port = await parts.serve(
      createServer((socket) =>
        socket
          .on('error', () => undefined)
          .resume()
          .end('220 hello\r\n'),
      ),
    )
    const { found } = await parts.examine({ agents: [agentAt({ port, protocol: 'tls' })] })
    expect(found.get('agent soc: certificate')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/this port does not speak TLS/),
    })
  })

  test.each([
    [
      '9: a certificate that has expired',
      -400,
      '127.0.0.1',
      'failed',
      /its certificate has expired/,
      /Check the receiver's certificate/,
    ],
    [
      '10: a certificate for another name',
      0,
      'other.example',
      'failed',
      /its certificate is for another name/,
      /certificate, its name/,
    ],
    [
      '11: a certificate that expires soon',
      -355,
      '127.0.0.1',
      'warning',
      /valid until .*: [89] days/,
      /Renew the receiver's/,
    ],
  ] as const)('%s', async (_, ageDays, name, status, seen, fix) => {
    await using parts = await prepare()
    const authority = createAuthority(Date.now())
    const pair = issueServerCertificate(authority, [name], Date.now() + ageDays * dayMs)
    const port = await parts.serve(createTlsServer({ cert: pair.certificate, key: pair.privateKey }))
    const tls = { caFile: parts.put('ca.pem', authority.certificate) }
    const { found } = await parts.examine({ agents: [agentAt({ port, protocol: 'tls', tls })] })
    expect(found.get('agent soc: certificate')).toMatchObject({
      status,
      seen: expect.stringMatching(seen),
      fix: expect.stringMatching(fix),
    })
  })

  test('12: an authority that is not trusted', async () => {
    await using parts = await prepare()
    const pair = issueServerCertificate(createAuthority(Date.now()), ['127.0.0.1'], Date.now())
    const port = await parts.serve(createTlsServer({ cert: pair.certificate, key: pair.privateKey }))
    const { found } = await parts.examine({ agents: [agentAt({ port, protocol: 'tls' })] })
    expect(found.get('agent soc: certificate')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/signed by an authority not in tls\.caFile/),
    })
  })

  test('13: a disk with too little room', async () => {
    await using parts = await prepare()
    mkdirSync(join(parts.directory, 'log'))
    const bus = { path: join(parts.directory, 'log'), freeBytesMin: 2 ** 52 }
    const { found } = await parts.examine({ bus })
    expect(found.get('log: disk')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/GB free; sources are polled from/),
      fix: expect.stringMatching(/Free disk space/),
    })
  })

  test('14: a log whose directory is a file', async () => {
    await using parts = await prepare()
    const { found } = await parts.examine({ bus: { path: parts.put('log', 'x') } })
    expect(found.get('log: directory')).toMatchObject({ status: 'failed', seen: expect.stringMatching(/is a file/) })
    expect(found.get('log: disk')).toMatchObject({ status: 'skipped' })
  })

  test('15: an admin port that something else holds', async () => {
    await using parts = await prepare()
    const port = await parts.serve(api((_, response) => response.end('<html>')))
    const { found } = await parts.examine({ admin: { listen: `127.0.0.1:${port}` } })
    expect(found.get('this machine: admin port')).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/EADDRINUSE.*what answers there is no relay/),
      fix: expect.stringMatching(/admin\.listen/),
    })
  })

  test('16: a broker that cannot be reached', { timeout: 30_000 }, async () => {
    await using parts = await prepare()
    const closed = createServer()
    const port = await parts.serve(closed)
    await new Promise((resolve) => closed.close(resolve))
    const { found } = await parts.examine({ bus: { type: 'kafka', brokers: [`127.0.0.1:${port}`] } })
    expect(found.get(`log: broker 127.0.0.1:${port}`)).toMatchObject({
      status: 'failed',
      seen: expect.stringMatching(/takes no connection/),
      fix: expect.stringMatching(/bus\.brokers/),
    })
  })

  test('17: directories that are not there', async () => {
    await using parts = await prepare()
    const path = join(parts.directory, 'nowhere')
    const { found } = await parts.examine({
      log: { directory: path },
      sources: [{ id: 'rows', type: 'discovery-intake', directory: { path } }],
    })
    for (const check of ['this machine: log files', 'source rows: directory'])
      expect(found.get(check)).toMatchObject({ status: 'failed', fix: expect.stringMatching(/^Create .*nowhere/) })
  })
})
