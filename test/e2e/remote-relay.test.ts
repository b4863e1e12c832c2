/** From the wizard's last step to the SIEM's first line: an agent made in the portal of a relay that runs, served in another network. */
import { expect, test, vi } from 'vitest'
import { setUpPortal } from '../../services/portal/src/testing/browser.ts'
import { idOf } from '../faults/ledger.ts'
import { startFaultSource } from '../faults/source.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'
import { startTestAgent } from '../support/remote-agent.ts'

const eventually = (fact: () => Promise<void>): Promise<void> => vi.waitFor(fact, { timeout: 30_000, interval: 100 })

test('an agent made in the portal works with its token, is seen there, follows edits, and ends with its token', {
  timeout: 120_000,
}, async () => {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(11)
  await using first = await tcpReceiver('octet-counting')
  await using second = await tcpReceiver('octet-counting')
  source.add(30)
  const relay = await startTestRelay(directory.path, {
    portal: { listen: '127.0.0.1:0', path: '/siem' },
    sources: [source.config],
    agents: [],
  })
  try {
    if (relay.portal === undefined) throw new Error('the portal does not run')
    const { url } = relay.portal
    const admin = await setUpPortal(relay.portal)
    const syslog = { host: '127.0.0.1', port: first.port, framing: 'octet-counting', checkpointSeconds: 0.2 }
    const made = await admin.call('POST', '/agents', { definition: { name: 'Branch', remote: true, syslog } })
    expect(made.status).toBe(201)
    const { agent: row, token } = made.body
    const path = `/agents/${row.id}`
    expect(row).toMatchObject({ runs: 'remote', state: 'created' })
    expect(token).toMatch(/^sra_branch_/)

    let inFile: string = token
    await using agent = await startTestAgent({ portal: url, token: () => inFile })
    await first.until((messages) => messages.length >= source.ids.length)
    expect(first.messages.map(idOf).sort()).toEqual([...source.ids].sort())
    await eventually(async () =>
      expect((await admin.call('GET', path)).body).toMatchObject({
        state: 'connected',
        target: `127.0.0.1:${first.port}`,
        instances: [{ host: 'siem-host', active: true }],
        token: { owner: 'ada', lastUsedMs: expect.any(Number) },
      }),
    )

    const moved = source.ids.length
    const definition = { name: 'Branch', remote: true, syslog: { ...syslog, port: second.port } }
    expect((await admin.call('PUT', path, { revision: row.revision, definition })).status).toBe(200)
    source.add(10)
    await second.until((messages) => messages.length >= source.ids.length - moved)

    const regenerated = await admin.call('POST', `${path}/token`)
    expect(regenerated.status).toBe(200)
    await eventually(async () => expect(agent.said(/Invalid token/)).toBe(true))
    source.add(10)
    inFile = regenerated.body.token
    // What was sent and not confirmed under the old token comes again.
    await second.until((messages) => new Set(messages.map(idOf)).size >= source.ids.length - moved)
    expect(new Set([...first.messages, ...second.messages].map(idOf))).toEqual(new Set(source.ids))

    const { revision } = (await admin.call('GET', path)).body
    expect((await admin.call('DELETE', path, { revision, name: 'Branch' })).status).toBeLessThan(300)
    const hello = await fetch(`${url}/agent/v1/hello`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${inFile}`,
        'content-type': 'application/json',
        'siem-relay-agent-protocol': '1',
      },
      body: '{}',
    })
    expect(hello.status).toBe(401)
  } finally {
    await relay.stop(2_000)
  }
})
