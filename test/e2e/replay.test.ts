/** Replays from the command line to the receiver: real processes, the embedded log, live traffic beside it. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { outTopic, parseCef, replaySenderGroup, replayTopic, senderGroup } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { idOf } from '../faults/ledger.ts'
import { type FaultSource, startFaultSource } from '../faults/source.ts'
import { jsonOf, runCommand, startCommand } from '../support/command.ts'
import { startRelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

interface Replay {
  readonly id: string
  readonly state: string
  readonly records: number
  readonly replayed: number
  readonly share: number
}

const configOf = (source: FaultSource, receiver: Receiver, agent: object = {}): object => ({
  sources: [source.config],
  agents: [
    {
      id: 'soc',
      syslog: {
        host: '127.0.0.1',
        port: receiver.port,
        framing: 'octet-counting',
        checkpointMessages: 50,
        checkpointSeconds: 0.3,
      },
      ...agent,
    },
  ],
})

/** Of messages that a replay has marked: the id of the record. */
const replayedIds = (messages: readonly string[]): string[] =>
  messages.filter((text) => jobOf(text) !== undefined).map(idOf)
const liveIds = (messages: readonly string[]): string[] =>
  messages.filter((text) => jobOf(text) === undefined).map(idOf)

function jobOf(message: string): string | undefined {
  return parseCef(message.slice(message.indexOf('CEF:'))).extension.get('cs6')
}

async function metric(adminUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return Number(new RegExp(`^${name}\\{[^}]*agent="soc"[^}]*\\} (\\S+)`, 'm').exec(text)?.[1])
}

const sorted = (ids: readonly string[]): string[] => ids.toSorted()
const isStored = (source: FaultSource) => (messages: readonly string[]) =>
  new Set(messages.map(idOf)).size >= source.ids.length

describe('siem-relay replay', { timeout: 180_000 }, () => {
  test('sends the stored set again, each once, beside live messages, whose offsets and counts stay what they were', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(1)
    await using receiver = await tcpReceiver('octet-counting')
    source.add(300)
    const relay = await startRelayProcess(directory.path, configOf(source, receiver))
    await receiver.until(isStored(source))
    const stored = [...source.ids]

    const dry = await runCommand(directory.path, 'replay', '--agent', 'soc', '--from', '-1h', '--dry-run')
    expect(dry).toMatchObject({ code: 0, err: '' })
    expect(dry.out).toMatch(
      /^soc: 330 messages stored from .* until .* would go out again, at most 500 a second \(1 s\)\n$/,
    )
    expect(await jsonOf(directory.path, 'replay', '--list')).toEqual([])

    const started = await jsonOf<Replay>(
      directory.path,
      ...['replay', '--agent', 'soc', '--from', '-1h', '--rate', '150', '--mark', '--detach'],
    )
    expect(started).toMatchObject({ state: 'running', records: 330, replayed: 0 })
    source.add(100)
    await receiver.until(isStored(source))
    const followed = await jsonOf<Replay>(directory.path, 'replay', '--follow', started.id)
    expect(followed).toMatchObject({ state: 'done', replayed: 330, share: 1 })

    expect(sorted(replayedIds(receiver.messages))).toEqual(sorted(stored))
    expect(new Set(receiver.messages.map(jobOf))).toEqual(new Set([undefined, started.id]))
    expect(sorted(liveIds(receiver.messages))).toEqual(sorted(source.ids))
    expect(await metric(relay.adminUrl, 'siem_relay_replayed_messages_total')).toBe(330)
    await expect.poll(() => metric(relay.adminUrl, 'siem_relay_messages_delivered_total')).toBe(440)
    await expect.poll(() => relay.log.join('\n')).toContain('replay cleared away')
    expect(await relay.kill('SIGTERM')).toBe(0)

    await using bus = await openSqliteBus({ path: join(directory.path, 'log'), clock: systemClock })
    const live = await bus.positions.of(senderGroup('soc'), [outTopic('soc')])
    expect(live.map(({ committed }) => committed)).toEqual(live.map(({ end }) => end))
    const replayed = await bus.positions.of(replaySenderGroup(started.id), [outTopic('soc')])
    expect(replayed.map(({ committed }) => committed)).toEqual(replayed.map(() => undefined))
  })

  test('killed in the middle goes on after the restart: nothing missing, no more twice than the window', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(2)
    await using receiver = await tcpReceiver('octet-counting')
    source.add(600)
    const config = configOf(source, receiver)
    const relay = await startRelayProcess(directory.path, config)
    await receiver.until(isStored(source))
    const { id } = await jsonOf<Replay>(
      directory.path,
      ...['replay', '--agent', 'soc', '--from', '-1h', '--rate', '100', '--mark', '--detach'],
    )
    await receiver.until((messages) => replayedIds(messages).length >= 120)
    await relay.kill('SIGKILL')
    // The socket file of the killed relay is still there; nobody listens.
    expect(existsSync(join(directory.path, 'log', 'control.sock'))).toBe(true)
    const [stopped] = await jsonOf<readonly Replay[]>(directory.path, 'replay', '--list')
    expect(stopped).toMatchObject({ id, state: 'running' })
    expect(stopped?.replayed).toBeGreaterThan(0)
    expect(stopped?.replayed).toBeLessThan(660)

    const again = await startRelayProcess(directory.path, config)
    expect(statSync(join(directory.path, 'log', 'control.sock')).mode & 0o777).toBe(0o600)
    expect(await jsonOf(directory.path, 'replay', '--follow', id)).toMatchObject({ state: 'done', replayed: 660 })
    expect(await again.kill('SIGTERM')).toBe(0)
    const ids = replayedIds(receiver.messages)
    expect(sorted([...new Set(ids)])).toEqual(sorted(source.ids))
    expect(ids.length - source.ids.length).toBeLessThanOrEqual(100)
  })

  test('from raw records sends what the present filters let pass, once each, and clears its topics away', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(3)
    await using receiver = await tcpReceiver('octet-counting')
    const generator = createGenerator(33)
    const alerts = Array.from({ length: 80 }, () => generator.alert(Date.now()))
    for (const alert of alerts) source.simulator.store.addAlert(alert)
    const filtered = (severity: number[]): object =>
      configOf(source, receiver, { activities: { enabled: false }, alerts: { filter: { severity: { eq: severity } } } })
    const idsOf = (severity: number): string[] =>
      alerts.filter(({ severityValue }) => severityValue === severity).map(({ _id }) => _id)

    const first = await startRelayProcess(directory.path, filtered([2]))
    await receiver.until((messages) => messages.length >= idsOf(2).length)
    expect(await first.kill('SIGTERM')).toBe(0)

    const second = await startRelayProcess(directory.path, filtered([1]))
    const done = await runCommand(directory.path, 'replay', '--agent', 'soc', '--from', '-1h', '--from-raw', '--mark')
    expect(done.code).toBe(0)
    expect(done.out).toMatch(/^soc: 80 records, filtered and formatted anew, stored from/)
    expect(done.out).toContain(`done, ${idsOf(1).length} messages sent again`)
    expect(sorted(replayedIds(receiver.messages))).toEqual(sorted(idsOf(1)))
    expect(sorted(liveIds(receiver.messages))).toEqual(sorted(idsOf(2)))
    await expect.poll(() => second.log.join('\n'), { timeout: 10_000 }).toContain('replay cleared away')
    const [{ id = '' } = {}] = await jsonOf<readonly Partial<Replay>[]>(directory.path, 'replay', '--list')
    expect(await second.kill('SIGTERM')).toBe(0)

    await using bus = await openSqliteBus({ path: join(directory.path, 'log'), clock: systemClock })
    const kept = []
    await bus.ensureTopics([replayTopic(id)])
    for (let partition = 0; partition < 6; partition++)
      for await (const record of bus.read(replayTopic(id), partition, 0)) kept.push(record)
    expect(kept).toEqual([])
  })

  test('goes on without its command, and can be cancelled', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(4)
    await using receiver = await tcpReceiver('octet-counting')
    source.add(300)
    const relay = await startRelayProcess(directory.path, configOf(source, receiver))
    await receiver.until(isStored(source))
    const watching = startCommand(directory.path, [
      'replay',
      '--agent',
      'soc',
      '--from',
      '-1h',
      '--rate',
      '20',
      '--mark',
    ])
    await watching.saying(/ 0 % /)
    watching.interrupt()
    const { code, out, err } = await watching.result
    expect(code).toBe(0)
    const id = /^replay (\S+)$/m.exec(out)?.[1] ?? ''
    expect(err).toContain(`siem-relay replay --follow ${id}   Cancel it: siem-relay replay --cancel ${id}`)
    const before = replayedIds(receiver.messages).length
    await receiver.until((messages) => replayedIds(messages).length > before)

    expect(await jsonOf(directory.path, 'replay', '--cancel', id)).toMatchObject({ id, state: 'cancelled' })
    expect(await runCommand(directory.path, 'replay', '--cancel', id)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`replay ${id} has ended: it is cancelled`),
    })
    // The stop of the relay waits for the work of the cancelled job.
    expect(await relay.kill('SIGTERM')).toBe(0)
    expect(replayedIds(receiver.messages).length).toBeLessThan(330)
    expect(await runCommand(directory.path, 'replay', '--follow', id)).toMatchObject({ code: 1 })
  })

  test('asked for while no relay runs begins with the next one, also for an agent that is disabled', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(5)
    await using receiver = await tcpReceiver('octet-counting')
    source.add(50)
    const first = await startRelayProcess(directory.path, configOf(source, receiver))
    await receiver.until(isStored(source))
    expect(await first.kill('SIGTERM')).toBe(0)
    const asked = await runCommand(directory.path, 'replay', '--agent', 'soc', '--from', '-1h', '--mark')
    expect(asked).toMatchObject({ code: 0, err: expect.stringContaining('No relay runs on this log') })
    const id = /^replay (\S+)$/m.exec(asked.out)?.[1] ?? ''
    const second = await startRelayProcess(directory.path, configOf(source, receiver, { enabled: false }))
    expect(await jsonOf(directory.path, 'replay', '--follow', id)).toMatchObject({ state: 'done', replayed: 55 })
    expect(sorted(replayedIds(receiver.messages))).toEqual(sorted(source.ids))
    expect(await second.kill('SIGTERM')).toBe(0)
  })
})
