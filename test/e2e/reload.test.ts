/** The configuration file of a relay that runs, edited: what becomes of it is seen in the lines that arrive. */
import { expect, test, vi } from 'vitest'
import { relayConfigSchema } from '../../app/src/config/schema.ts'
import { idOf } from '../faults/ledger.ts'
import { startFaultSource } from '../faults/source.ts'
import { type RelayProcess, startRelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const to = (receiver: Receiver): object => ({
  host: '127.0.0.1',
  port: receiver.port,
  framing: 'octet-counting',
  checkpointSeconds: 0.2,
})
const idsAt = (receiver: Receiver): readonly string[] => receiver.messages.map(idOf)

async function metric(relay: RelayProcess, series: string): Promise<number | undefined> {
  const text = await (await fetch(`${relay.adminUrl}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

/** Waits until the relay has taken up so many configurations. */
function hasReloaded(relay: RelayProcess, times: number): Promise<void> {
  return vi.waitFor(
    () => expect(relay.log.filter((line) => line.includes('configuration reloaded'))).toHaveLength(times),
    { timeout: 20_000, interval: 20 },
  )
}

test('agents are added, changed, disabled, enabled and moved by editing the file; a wrong edit changes nothing', {
  timeout: 120_000,
}, async () => {
  using directory = temporaryDirectory()
  await using source = await startFaultSource(11)
  await using first = await tcpReceiver('octet-counting')
  await using second = await tcpReceiver('octet-counting')
  const sources = [source.config]
  const one = { id: 'one', syslog: to(first) }
  const two = { id: 'two', syslog: to(second) }
  source.add(40)
  const relay = await startRelayProcess(directory.path, { sources, agents: [one] })
  try {
    await first.until((messages) => messages.length >= source.ids.length)

    // A new agent gets what came before it.
    relay.configure({ sources, agents: [one, two] })
    await second.until((messages) => messages.length >= source.ids.length)

    // A wrong edit: told with its place, and the one before stays in force.
    relay.configure('agents:\n  - id: one\n    console: true\n    fromat: generic\n')
    await vi.waitFor(() => expect(relay.log.join('\n')).toMatch(/siem-relay\.yaml:4:5 agents\[0\]\.fromat: .*format/), {
      timeout: 20_000,
    })
    expect(await metric(relay, 'siem_relay_config_reload_failed')).toBe(1)
    source.add(10)
    await first.until((messages) => messages.length >= source.ids.length)
    await second.until((messages) => messages.length >= source.ids.length)

    // One agent wants alerts only, the other rests; SIGHUP makes it quick.
    relay.configure({
      sources,
      agents: [
        { ...one, activities: { enabled: false } },
        { ...two, enabled: false },
      ],
    })
    relay.child.kill('SIGHUP')
    await hasReloaded(relay, 2)
    expect(await metric(relay, 'siem_relay_config_reload_failed')).toBe(0)
    expect(await metric(relay, 'siem_relay_sink_up{agent="two"}')).toBeUndefined()
    expect(await metric(relay, 'siem_relay_consumer_lag_records{agent="one",stage="sender"}')).toBeDefined()
    expect(await metric(relay, 'siem_relay_consumer_lag_records{agent="two",stage="sender"}')).toBeUndefined()
    const before = source.ids.length
    source.add(20)
    const alerts = source.ids.slice(before).filter((_, index) => index % 11 === 1)
    await first.until((messages) => messages.length >= before + alerts.length)
    expect(idsAt(first).slice(before).toSorted()).toEqual(alerts.toSorted())

    // Enabled again, it goes on where it stopped; the other moves to another receiver.
    await using third = await tcpReceiver('octet-counting')
    relay.configure({ sources, agents: [{ ...one, syslog: to(third) }, two] })
    await second.until((messages) => messages.length >= source.ids.length)
    await hasReloaded(relay, 3)
    const moved = source.ids.length
    source.add(10)
    await third.until((messages) => messages.length >= source.ids.length - moved)
    await second.until((messages) => messages.length >= source.ids.length)

    // An agent that retires takes nothing new, and says when it is done.
    relay.configure({
      sources,
      agents: [
        { ...one, syslog: to(third) },
        { ...two, retire: true },
      ],
    })
    await vi.waitFor(async () => expect(await metric(relay, 'siem_relay_agent_retired{agent="two"}')).toBe(1), {
      timeout: 30_000,
    })
    expect(await relay.kill('SIGTERM')).toBe(0)

    expect(idsAt(second).toSorted()).toEqual([...source.ids].toSorted())
    const atOne = [...idsAt(first), ...idsAt(third)]
    expect(source.ids.filter((id) => !atOne.includes(id))).toEqual([])
    expect(new Set(atOne).size).toBe(atOne.length)
  } finally {
    if (relay.child.exitCode === null) await relay.kill('SIGKILL')
  }
})

test('a configuration that one service refuses changes none; settings of the process wait for the next start', async () => {
  using directory = temporaryDirectory()
  const agent = (id: string): object => ({ id, syslog: { host: '127.0.0.1', port: 1 } })
  const source = {
    id: 'contoso',
    type: 'defender-for-cloud-apps',
    url: 'http://127.0.0.1:1',
    auth: { type: 'token', token: 'x' },
  }
  const base = {
    bus: { path: directory.path, freeBytesMin: 1_048_576 },
    admin: { listen: '127.0.0.1:0' },
    portal: { listen: '127.0.0.1:0' },
  }
  const relay = await startTestRelay(directory.path, { sources: [source], agents: [agent('one')] })
  const refused = { ...base, sources: [{ ...source, caFile: '/no/such.pem' }], agents: [agent('two')] }
  await expect(relay.update(relayConfigSchema.parse(refused))).rejects.toThrow(/such\.pem/)
  const messages = (): readonly string[] => relay.entries.map(({ msg }) => msg ?? '')
  expect(messages()).not.toContain('delivery stopped')

  const changed = { ...base, log: { level: 'debug' }, sources: [source], agents: [agent('one'), agent('two')] }
  await relay.update(relayConfigSchema.parse(changed))
  expect(relay.entries).toContainEqual(
    expect.objectContaining({ msg: 'changed settings take effect at the next start', settings: ['log'] }),
  )
  expect(messages()).not.toContain('delivery stopped')
  expect(await relay.metrics.metrics()).toMatch(/siem_relay_consumer_lag_records\{agent="two",stage="sender"\} 0/)
  await relay.stop(0)
})
