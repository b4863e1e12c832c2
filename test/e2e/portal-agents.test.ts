/** Agents made in the portal of a relay that runs: what becomes of them is seen in the lines that arrive, without a restart. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { relayConfigSchema } from '../../app/src/config/schema.ts'
import { runInProcess } from '../../app/src/testing/terminal.ts'
import { setUpPortal, signInTo, testPassword } from '../../services/portal/src/testing/browser.ts'
import { idOf } from '../faults/ledger.ts'
import { startFaultSource } from '../faults/source.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const portal = { listen: '127.0.0.1:0', allowCidrs: ['127.0.0.0/8'] }
const to = (receiver: Receiver): object => ({
  host: '127.0.0.1',
  port: receiver.port,
  framing: 'octet-counting',
  checkpointSeconds: 0.2,
})
const missing = { host: '127.0.0.1', port: 1025 }
const idsAt = (receiver: Receiver): readonly string[] => receiver.messages.map(idOf)

test('an agent is made, edited, switched off and on, and deleted by HTTP; lines follow', {
  timeout: 120_000,
}, async () => {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(7)
  await using first = await tcpReceiver('octet-counting')
  await using second = await tcpReceiver('octet-counting')
  source.add(30)
  const relay = await startTestRelay(directory.path, { portal, sources: [source.config], agents: [] })
  try {
    if (relay.portal === undefined) throw new Error('the portal does not run')
    const admin = await setUpPortal(relay.portal)
    const made = await admin.call('POST', '/agents', { definition: { name: 'SOC Nürnberg', syslog: to(first) } })
    expect(made).toMatchObject({
      status: 201,
      body: {
        agent: { id: 'soc-nu-rnberg', name: 'SOC Nürnberg', managedBy: 'portal', revision: 1, state: 'created' },
      },
    })
    expect(made.body.token).toBeUndefined()
    const path = `/agents/${made.body.agent.id}`
    await first.until((messages) => messages.length >= source.ids.length)
    await vi.waitFor(
      async () => expect((await admin.call('GET', path)).body).toMatchObject({ state: 'connected', notifications: [] }),
      { timeout: 20_000, interval: 100 },
    )

    // Moved to another receiver.
    const moved = source.ids.length
    const edited = await admin.call('PUT', path, { revision: 1, definition: { name: 'SOC', syslog: to(second) } })
    expect(edited).toMatchObject({ status: 200, body: { agent: { revision: 2, name: 'SOC' } } })
    source.add(10)
    await second.until((messages) => messages.length >= source.ids.length - moved)

    // Off, and on again: it goes on where it stopped.
    expect((await admin.call('PATCH', `${path}/enabled`, { revision: 2, enabled: false })).body.agent).toMatchObject({
      state: 'disabled',
      enabled: false,
    })
    source.add(5)
    expect((await admin.call('PATCH', `${path}/enabled`, { revision: 3, enabled: true })).status).toBe(200)
    await second.until((messages) => messages.length >= source.ids.length - moved)

    // Deleted, with everything that was kept for it.
    expect((await admin.call('DELETE', path, { revision: 4, name: 'soc' })).body).toMatchObject({
      error: { code: 'invalid', problems: [{ path: ['name'] }] },
    })
    expect((await admin.call('DELETE', path, { revision: 4, name: 'SOC' })).status).toBe(204)
    expect((await admin.call('GET', path)).status).toBe(404)
    await vi.waitFor(
      () =>
        expect(relay.entries).toContainEqual(
          expect.objectContaining({ msg: 'portal: what was kept for a deleted agent is gone' }),
        ),
      { timeout: 30_000 },
    )
    expect(await relay.metrics.metrics()).not.toMatch(/agent="soc-nu-rnberg",stage="sender"/)
    const { entries } = (await admin.call('GET', '/audit')).body
    expect(entries.map(({ action }: { action: string }) => action)).toEqual([
      'agent.delete',
      'agent.enable',
      'agent.disable',
      'agent.change',
      'agent.create',
      'setup',
    ])
    expect(entries[3]).toMatchObject({ actor: 'ada', subject: 'soc-nu-rnberg', detail: 'name, syslog.port' })
    const atBoth = [...idsAt(first), ...idsAt(second)]
    expect(source.ids.filter((id) => !atBoth.includes(id))).toEqual([])
    expect(new Set(atBoth).size).toBe(atBoth.length)
  } finally {
    await relay.stop(0)
  }
})

test('two admins that edit at once: the second is told, and nothing of the first is lost', async () => {
  using directory = temporaryDirectory()
  const relay = await startTestRelay(directory.path, { portal })
  try {
    const ada = await setUpPortal(relay.portal!)
    await ada.call('POST', '/accounts', { name: 'bob', role: 'admin', password: testPassword })
    const bob = await signInTo(relay.portal!.url, 'bob')
    await ada.call('POST', '/agents', { definition: { id: 'soc', name: 'SOC', syslog: missing } })
    const change = (name: string): object => ({ revision: 1, definition: { name, syslog: missing } })
    const [one, two] = await Promise.all([
      ada.call('PUT', '/agents/soc', change('A')),
      bob.call('PUT', '/agents/soc', change('B')),
    ])
    expect([one.status, two.status].toSorted()).toEqual([200, 409])
    const lost = one.status === 409 ? one : two
    expect(lost.body.error).toMatchObject({ code: 'conflict', nextMove: expect.stringMatching(/again/) })
    const { body } = await ada.call('GET', '/agents/soc')
    expect(body).toMatchObject({ revision: 2, name: one.status === 200 ? 'A' : 'B' })
  } finally {
    await relay.stop(0)
  }
})

test('agents of the file are shown read-only, and win over one of the portal with the same id', async () => {
  using directory = temporaryDirectory()
  const base = { bus: { path: directory.path, freeBytesMin: 1_048_576 }, admin: { listen: '127.0.0.1:0' }, portal }
  const relay = await startTestRelay(directory.path, { portal })
  try {
    const ada = await setUpPortal(relay.portal!)
    await ada.call('POST', '/agents', { definition: { id: 'soc', name: 'Portal', syslog: missing } })
    await relay.update(relayConfigSchema.parse({ ...base, agents: [{ id: 'soc', name: 'File', syslog: missing }] }))
    const { agents } = (await ada.call('GET', '/agents')).body
    expect(agents).toMatchObject([{ id: 'soc', name: 'File', managedBy: 'file' }])
    expect(agents[0].notifications).toContainEqual(expect.objectContaining({ title: 'Two agents have this id' }))
    expect(await ada.call('PUT', '/agents/soc', { revision: 1, definition: { syslog: missing } })).toMatchObject({
      status: 409,
      body: { error: { nextMove: expect.stringMatching(/file/) } },
    })
    expect(relay.entries.map(({ msg }) => msg)).toContain(
      'agent of the portal is left out: the configuration file has one with the same id',
    )
    await relay.update(relayConfigSchema.parse(base))
    expect((await ada.call('GET', '/agents')).body.agents).toMatchObject([{ name: 'Portal', managedBy: 'portal' }])
  } finally {
    await relay.stop(0)
  }
})

test('agents and accounts are there after a restart; commands know agents of the portal', async () => {
  using directory = temporaryDirectory()
  const first = await startTestRelay(directory.path, { portal })
  const ada = await setUpPortal(first.portal!)
  await ada.call('POST', '/agents', { definition: { id: 'soc', enabled: false, syslog: missing } })
  await first.stop(0)

  writeFileSync(join(directory.path, 'siem-relay.yaml'), 'bus: { path: ., freeBytesMin: 1048576 }\n', { mode: 0o600 })
  const command = (...args: readonly string[]) => runInProcess(args, { cwd: directory.path })
  const second = await startTestRelay(directory.path, { portal })
  try {
    expect(second.portal?.setUpLink).toBeUndefined()
    const again = await signInTo(second.portal!.url, 'ADA')
    expect((await again.call('GET', '/agents/soc')).body).toMatchObject({ revision: 1, state: 'disabled' })
    const lag = await command('lag', '--agent', 'soc', '--json', '--over', '1')
    expect(JSON.parse(lag.out)).toMatchObject([{ agent: 'soc', enabled: false }])
  } finally {
    await second.stop(0)
  }
  expect(JSON.parse((await command('lag', '--agent', 'soc', '--json')).out)).toMatchObject([{ agent: 'soc' }])
  const preview = await command('preview', '--agent', 'soc', '--sample')
  expect(preview.out.split('\n').filter((line) => line.includes('CEF:0'))).toHaveLength(12)
})
