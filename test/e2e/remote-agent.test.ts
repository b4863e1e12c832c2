/** An agent in another network: the gateway and its API over real HTTP, the agent with the real sender, a receiver of the test. */
import { readFileSync } from 'node:fs'
import { deadLettersTopic, outTopic, senderGroup } from '@siem-relay/common'
import { seededRandom } from '@siem-relay/service-kit/testing'
import { describe, expect, test, vi } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { startLine } from '../support/line.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'
import { startTestAgent } from '../support/remote-agent.ts'
import { type AgentInput, keyOf, type RemotePortal, startRemotePortal } from '../support/remote-portal.ts'

function siem(port: number, more: object = {}): AgentInput {
  return {
    id: 'siem',
    remote: true,
    syslog: {
      host: '127.0.0.1',
      port,
      protocol: 'tcp',
      framing: 'octet-counting',
      checkpointMessages: 200,
      checkpointSeconds: 0.1,
      ...more,
    },
  }
}

const keys = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
const eventually = (fact: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(fact, { timeout: 20_000, interval: 10 })

async function pendingOf({ bus }: RemotePortal): Promise<number> {
  const positions = await bus.positions.of(senderGroup('siem'), [outTopic('siem')])
  return positions.reduce((sum, { lag }) => sum + lag, 0)
}

const statusOf = ({ gateway }: RemotePortal) => gateway.status().find(({ agent }) => agent === 'siem')

describe('an agent in another network', () => {
  test('delivers every message once, commits what the receiver confirmed, and tells how it stands', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    const wanted = keys('a', 3_000)
    await portal.put('siem', wanted)
    expect(statusOf(portal)?.state).toBe('created')
    const token = portal.issue('siem')
    await using agent = await startTestAgent({ portal: portal.url, token: () => token })
    await receiver.until((messages) => messages.length >= wanted.length)
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    expect(receiver.messages.map(keyOf).sort()).toEqual([...wanted].sort())
    await eventually(() =>
      expect(statusOf(portal)).toMatchObject({
        state: 'connected',
        target: `127.0.0.1:${receiver.port}`,
        remote: { host: 'siem-host', version: '0.0.0-test' },
      }),
    )
    await agent.stop(5_000)
    expect(receiver.messages).toHaveLength(wanted.length)
  })

  test('a changed receiver is followed without a restart: messages move, none is lost or repeated', async () => {
    using directory = temporaryDirectory()
    await using first = await tcpReceiver('octet-counting')
    await using second = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(first.port)] })
    const token = portal.issue('siem')
    await using _agent = await startTestAgent({ portal: portal.url, token: () => token })
    await portal.put('siem', keys('a', 500))
    await first.until((messages) => messages.length >= 500)
    await portal.configure([siem(second.port)])
    await portal.put('siem', keys('b', 500))
    await second.until((messages) => messages.filter((line) => keyOf(line).startsWith('b-')).length === 500)
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    expect([...first.messages, ...second.messages].map(keyOf).sort()).toEqual(
      [...keys('a', 500), ...keys('b', 500)].sort(),
    )
    await eventually(() => expect(statusOf(portal)?.target).toBe(`127.0.0.1:${second.port}`))
  })

  test('disabled, nothing is delivered; enabled again, it goes on where it was', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    const token = portal.issue('siem')
    await using agent = await startTestAgent({ portal: portal.url, token: () => token })
    await portal.put('siem', keys('a', 300))
    await receiver.until((messages) => messages.length >= 300)
    await portal.configure([{ ...siem(receiver.port), enabled: false }])
    // Everything that was on its way is committed before the change is through.
    expect(await pendingOf(portal)).toBe(0)
    await eventually(() => expect(agent.said(/"enabled":false/)).toBe(true))
    await portal.put('siem', keys('b', 300))
    expect(statusOf(portal)).toBeUndefined()
    await portal.configure([siem(receiver.port)])
    await receiver.until((messages) => messages.length >= 600)
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    expect(receiver.messages.map(keyOf).sort()).toEqual([...keys('a', 300), ...keys('b', 300)].sort())
  })

  test('a regenerated token ends the old one at once; the new one takes over', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    let token = portal.issue('siem')
    await using agent = await startTestAgent({ portal: portal.url, token: () => token })
    await portal.put('siem', keys('a', 100))
    await receiver.until((messages) => messages.length >= 100)
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    const next = portal.issue('siem')
    // No message and no report is needed for it: the open poll ends.
    await eventually(() => expect(agent.said(/Invalid token/)).toBe(true))
    await portal.put('siem', keys('b', 100))
    token = next
    await receiver.until((messages) => messages.length >= 200)
    expect(receiver.messages.map(keyOf).sort()).toEqual([...keys('a', 100), ...keys('b', 100)].sort())
  })

  test('a token that never worked ends the agent, with what to do', async () => {
    using directory = temporaryDirectory()
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(9)] })
    portal.issue('siem')
    await using agent = await startTestAgent({ portal: portal.url, token: () => `sra_siem_${'A'.repeat(43)}` })
    await expect(agent.failed).rejects.toMatchObject({ code: 'RELAY_AGENT_TOKEN', message: /^Invalid token/ })
  })

  test('of two processes with one token one works and the other stands by, and takes over when the first has gone', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    const token = portal.issue('siem')
    await using first = await startTestAgent({ portal: portal.url, token: () => token, hostName: 'first' })
    await eventually(() => expect(statusOf(portal)?.remote?.host).toBe('first'))
    await using second = await startTestAgent({ portal: portal.url, token: () => token, hostName: 'second' })
    await eventually(() => expect(second.said(/standing by.*|on first.*standing by/)).toBe(true))
    await portal.put('siem', keys('a', 400))
    await receiver.until((messages) => messages.length >= 400)
    expect(statusOf(portal)?.remote?.host).toBe('first')
    await first.stop(5_000)
    await eventually(() => expect(statusOf(portal)?.remote?.host).toBe('second'))
    await portal.put('siem', keys('b', 400))
    await receiver.until((messages) => messages.length >= 800)
    expect(receiver.messages.map(keyOf).sort()).toEqual([...keys('a', 400), ...keys('b', 400)].sort())
  })

  test('a holder that is cut off is replaced; what it acknowledges afterwards has no effect', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    await using line = await startLine(Number(new URL(portal.url).port))
    const token = portal.issue('siem')
    await using first = await startTestAgent({
      portal: `http://127.0.0.1:${line.port}/siem`,
      token: () => token,
      hostName: 'first',
    })
    await portal.put('siem', keys('a', 400))
    await receiver.until((messages) => messages.length >= 400)
    line.isUp = false
    line.cut()
    await using _second = await startTestAgent({ portal: portal.url, token: () => token, hostName: 'second' })
    await eventually(() => expect(statusOf(portal)?.remote?.host).toBe('second'))
    line.isUp = true
    await eventually(() => expect(first.said(/the lease is over/)).toBe(true))
    await portal.put('siem', keys('b', 400))
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    expect(new Set(receiver.messages.map(keyOf))).toEqual(new Set([...keys('a', 400), ...keys('b', 400)]))
    // The window of this agent is two rounds of 200 messages.
    expect(receiver.messages.length - 800).toBeLessThanOrEqual(400)
    expect(statusOf(portal)?.remote?.host).toBe('second')
  })

  test('lines that break in the middle of answers lose and repeat nothing', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    await using line = await startLine(Number(new URL(portal.url).port))
    const random = seededRandom(7)
    line.bytesMax = () => 200 + Math.floor(random() * 40_000)
    const token = portal.issue('siem')
    await using agent = await startTestAgent({ portal: `http://127.0.0.1:${line.port}/siem`, token: () => token })
    const wanted = keys('a', 6_000)
    await portal.put('siem', wanted)
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    expect(agent.said(/cannot be used/)).toBe(true)
    expect(receiver.messages.map(keyOf).sort()).toEqual([...wanted].sort())
  })

  test('a relay that stops lets the agent finish: nothing comes twice after its restart', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    const agents = [siem(receiver.port, { checkpointMessages: 50_000, checkpointSeconds: 60 })]
    let portal = await startRemotePortal({ directory: directory.path, agents })
    await using line = await startLine(Number(new URL(portal.url).port))
    const token = portal.issue('siem')
    await using _agent = await startTestAgent({ portal: `http://127.0.0.1:${line.port}/siem`, token: () => token })
    await portal.put('siem', keys('a', 300))
    await receiver.until((messages) => messages.length >= 300)
    // Nothing is confirmed yet: the checkpoint is a minute away.
    expect(await pendingOf(portal)).toBe(300)
    await portal.gateway.stop(10_000)
    expect(await pendingOf(portal)).toBe(0)
    await portal[Symbol.asyncDispose]()
    portal = await startRemotePortal({ directory: directory.path, agents })
    await using closing = portal
    expect(await pendingOf(closing)).toBe(0)
    expect(receiver.messages).toHaveLength(300)
  })

  test('a replay goes out beside live messages, marked and at its pace, and is done when all is acknowledged', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({ directory: directory.path, agents: [siem(receiver.port)] })
    const token = portal.issue('siem')
    await using _agent = await startTestAgent({ portal: portal.url, token: () => token })
    await portal.put('siem', keys('a', 200))
    await receiver.until((messages) => messages.length >= 200)
    const job = await portal.replay({ agent: 'siem', messagesPerSecondMax: 150, mark: true })
    const startedMs = performance.now()
    const isReplayed = (line: string): boolean => line.includes(`cs6=${job}`)
    await receiver.until((messages) => messages.some(isReplayed))
    await portal.put('siem', keys('b', 50))
    await receiver.until((messages) => messages.filter(isReplayed).length === 200)
    // 200 messages at 150 a second, less what a pace may make up for at once.
    expect(performance.now() - startedMs).toBeGreaterThan(1_000)
    await eventually(async () =>
      expect((await portal.control.replays()).map((replay) => replay.job.state)).toEqual(['done']),
    )
    await receiver.until((messages) => messages.length >= 450)
    expect(
      receiver.messages
        .filter((line) => !isReplayed(line))
        .map(keyOf)
        .sort(),
    ).toEqual([...keys('a', 200), ...keys('b', 50)].sort())
    expect(receiver.messages.filter(isReplayed).map(keyOf).sort()).toEqual(keys('a', 200).sort())
  })

  test('what the receiver can never take goes to dead letters as the log has it, with the agent’s reason', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({
      directory: directory.path,
      agents: [siem(receiver.port, { messageBytesMax: 480 })],
    })
    const token = portal.issue('siem')
    const big = `big-${'y'.repeat(500)}`
    await portal.put('siem', ['a-0', big, 'a-1'])
    await using _agent = await startTestAgent({ portal: portal.url, token: () => token })
    await receiver.until((messages) => messages.length >= 2)
    await eventually(async () => expect(await pendingOf(portal)).toBe(0))
    const letters = []
    for (let partition = 0; partition < deadLettersTopic.partitions; partition++)
      for await (const letter of portal.bus.read(deadLettersTopic, partition, 0)) letters.push(letter)
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({
      key: big,
      headers: { stage: 'remote-sender', agent: 'siem', code: 'RELAY_FRAME_TOO_LARGE', 'origin-topic': 'out.siem' },
    })
    expect(letters[0]?.value.toString()).toContain(big)
    expect(receiver.messages.map(keyOf).sort()).toEqual(['a-0', 'a-1'])
  })

  test('trouble with the receiver, and settings its machine cannot follow, are told in the portal', async () => {
    using directory = temporaryDirectory()
    await using receiver = await tcpReceiver('octet-counting')
    const { port } = receiver
    const tls = { caFile: '/no/such/authority.pem' }
    await using portal = await startRemotePortal({
      directory: directory.path,
      agents: [{ ...siem(port), syslog: { host: '127.0.0.1', port, protocol: 'tls', tls } }],
    })
    const token = portal.issue('siem')
    await using _agent = await startTestAgent({ portal: portal.url, token: () => token })
    await eventually(() =>
      expect(statusOf(portal)).toMatchObject({
        state: 'error',
        lastError: { message: expect.stringContaining('/no/such/authority.pem') },
      }),
    )
    await portal.configure([siem(port)])
    await portal.put('siem', ['a-0'])
    await receiver.until((messages) => messages.length >= 1)
    await eventually(() => expect(statusOf(portal)?.state).toBe('connected'))
  })

  test('HTTPS through a proxy with a password is all it needs; the certificate is checked', async () => {
    using directory = temporaryDirectory()
    const { caFile, certFile, keyFile } = makeCertificates(directory.path)
    await using receiver = await tcpReceiver('octet-counting')
    await using portal = await startRemotePortal({
      directory: directory.path,
      agents: [siem(receiver.port)],
      tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') },
    })
    const { port } = new URL(portal.url)
    const target = `receiver.test:${port}`
    await using proxy = await startConnectProxy('user:pass word', { [target]: Number(port) })
    const token = portal.issue('siem')
    const through = { portal: `https://${target}/siem`, token: () => token }
    const proxyUrl = (password: string): string => `http://user:${password}@127.0.0.1:${proxy.port}`

    await using wrong = await startTestAgent({ ...through, caFile, proxy: proxyUrl('wrong') })
    await eventually(() => expect(wrong.said(/RELAY_PORTAL_PROXY.*user name and password/)).toBe(true))
    await wrong.stop(0)
    await using unsure = await startTestAgent({ ...through, proxy: proxyUrl('pass%20word') })
    await eventually(() => expect(unsure.said(/RELAY_PORTAL_TLS/)).toBe(true))
    await unsure.stop(0)
    await using elsewhere = await startTestAgent({
      ...through,
      portal: `https://receiver.test:${Number(port) - 1}`,
      caFile,
      proxy: proxyUrl('pass%20word'),
    })
    await eventually(() => expect(elsewhere.said(/RELAY_PORTAL_PROXY.*403/)).toBe(true))
    await elsewhere.stop(0)

    await using agent = await startTestAgent({ ...through, caFile, proxy: proxyUrl('pass%20word') })
    await portal.put('siem', keys('a', 200))
    await receiver.until((messages) => messages.length >= 200)
    await agent.stop(5_000)
    for (const { entries } of [wrong, unsure, elsewhere, agent]) {
      const said = JSON.stringify(entries)
      expect(said).not.toMatch(/pass(%20| )word|user:/)
      expect(said).not.toContain(token)
    }
    expect(new Set(proxy.asked.filter(({ status }) => status === 200).map((one) => one.target))).toEqual(
      new Set([target]),
    )
  })
})
