/** The relay on Kafka as its operators run it: services in processes of their own, several of each; commands beside them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outTopic, parseCef, type SourceView, senderGroup } from '@siem-relay/common'
import { describe, expect, inject, test } from 'vitest'
import { Fleet, type KafkaLog, kafkaLog } from '../faults/kafka/fleet.ts'
import { idOf, inspect } from '../faults/ledger.ts'
import { type FaultSource, startFaultSource } from '../faults/source.ts'
import { jsonOf, runCommand } from '../support/command.ts'
import type { RelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

const broker = inject('kafka')
const logOf = (): KafkaLog => kafkaLog({ addresses: [broker as string] })

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

const isStored = (ids: readonly string[]) => (messages: readonly string[]) => {
  const seen = new Set(messages.map(idOf))
  return ids.every((id) => seen.has(id))
}

const jobOf = (message: string): string | undefined =>
  parseCef(message.slice(message.indexOf('CEF:'))).extension.get('cs6')

async function sum(relays: readonly RelayProcess[], pattern: RegExp): Promise<readonly number[]> {
  return Promise.all(
    relays.map(async ({ adminUrl }) => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text()
      return [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0)
    }),
  )
}

async function eventually(fact: string, check: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 60_000
  while (!(await check())) {
    if (performance.now() > untilMs) throw new Error(`waited in vain until ${fact}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe.skipIf(broker === undefined)('services in processes of their own', { timeout: 180_000 }, () => {
  test('share out partitions and tenants; when one is killed another goes on; nothing is lost or repeated in the log', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(1)
    await using receiver = await tcpReceiver('octet-counting')
    const log = logOf()
    await using fleet = new Fleet(directory.path, log, configOf(source, receiver))
    await fleet.start('collector', 'collector', 'formatter', 'formatter', 'syslog-sender', 'syslog-sender')
    source.add(300)
    await receiver.until(isStored(source.ids))

    const assigned = /^siem_relay_partitions_assigned\{[^}]*\} (\d+)/gm
    await eventually('both senders have their share of the six partitions', async () =>
      (await sum(fleet.of('syslog-sender'), assigned)).every((count) => count === 3),
    )
    await eventually('both formatters have their share of the four partitions', async () =>
      (await sum(fleet.of('formatter'), assigned)).every((count) => count === 2),
    )
    const commits = await sum(fleet.of('formatter'), /^siem_relay_log_commit_seconds_count (\d+)/gm)
    expect(commits.every((count) => count > 0)).toBe(true)
    const requests = await sum(fleet.of('collector'), /^siem_relay_source_requests_total\{[^}]*\} (\d+)/gm)
    expect(requests.filter((count) => count > 0)).toHaveLength(1)

    const holder = fleet.of('collector')[requests.findIndex((count) => count > 0)] as RelayProcess
    await fleet.kill(holder)
    await fleet.kill(fleet.of('formatter')[0] as RelayProcess)
    source.add(300)
    await receiver.until(isStored(source.ids))
    expect(await fleet.stop()).toEqual([0, 0, 0, 0])

    const found = await inspect({
      open: log.open,
      tenant: 'contoso',
      agent: 'soc',
      sourceIds: source.ids,
      received: receiver.messages,
    })
    expect(found).toMatchObject({
      missingRaw: 0,
      repeatedRaw: 0,
      missingOut: 0,
      repeatedOut: 0,
      lost: 0,
      deadLetters: 0,
    })
  })

  test('follow their configuration: a disabled agent gets nothing, and once enabled everything it missed', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(2)
    await using receiver = await tcpReceiver('octet-counting')
    const log = logOf()
    await using fleet = new Fleet(directory.path, log, configOf(source, receiver))
    await fleet.start('collector', 'formatter', 'syslog-sender')
    source.add(50)
    await receiver.until(isStored(source.ids))

    fleet.configure(configOf(source, receiver, { enabled: false }))
    const [formatter, sender] = [fleet.of('formatter')[0], fleet.of('syslog-sender')[0]] as [RelayProcess, RelayProcess]
    await eventually('both have let go of the agent', async () => {
      const running = await sum([formatter, sender], /^siem_relay_config_reloads_total\{[^}]*\} (\d+)/gm)
      return running.every((count) => count > 0)
    })
    const before = receiver.messages.length
    source.add(50)
    await eventually('the collector has them', async () => {
      const [collected] = await sum(fleet.of('collector'), /^siem_relay_records_received_total\{[^}]*\} (\d+)/gm)
      return (collected ?? 0) >= source.ids.length
    })
    expect(receiver.messages).toHaveLength(before)

    fleet.configure(configOf(source, receiver))
    await receiver.until(isStored(source.ids))
    expect(receiver.messages).toHaveLength(source.ids.length)
  })

  test('tell how every source is, by whichever collector polls it, also after one was killed', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(4)
    const log = logOf()
    const sources = ['contoso', 'fabrikam'].map((id) => ({ ...source.config, id }))
    const config = { sources, agents: [] }
    writeFileSync(join(directory.path, 'siem-relay.yaml'), JSON.stringify({ ...log.config, ...config }), {
      mode: 0o600,
    })
    await using fleet = new Fleet(directory.path, log, config)
    await fleet.start('collector', 'collector')
    const holders = async (): Promise<readonly (string | undefined)[]> => {
      const views = await jsonOf<readonly SourceView[]>(directory.path, 'sources')
      return views.flatMap(({ state, reported, instance }) =>
        state === 'collecting' && reported === 'fresh' ? [instance] : [],
      )
    }
    await eventually('each collector tells of one source', async () => {
      const [first, second, ...more] = await holders()
      return second !== undefined && first !== second && more.length === 0
    })
    await fleet.kill(fleet.of('collector')[0] as RelayProcess)
    await eventually('the one that is left tells of both', async () => {
      const [first, second] = await holders()
      return first !== undefined && first === second
    })

    fleet.configure({ ...config, sources: sources.slice(0, 1) })
    await eventually('a source that is left out is taken back', async () => {
      const views = await jsonOf<readonly SourceView[]>(directory.path, 'sources')
      return views[1]?.reported === 'never'
    })
  })

  test('replay the stored set through the command while the sender is killed; live offsets stay what they were', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(3)
    await using receiver = await tcpReceiver('octet-counting')
    const log = logOf()
    const config = configOf(source, receiver)
    writeFileSync(join(directory.path, 'siem-relay.yaml'), JSON.stringify({ ...log.config, ...config }))
    await using fleet = new Fleet(directory.path, log, config)
    await fleet.start('collector', 'formatter', 'syslog-sender')
    source.add(300)
    await receiver.until(isStored(source.ids))
    const committed = async (): Promise<readonly (number | undefined)[]> => {
      await using bus = await log.open()
      return (await bus.positions.of(senderGroup('soc'), [outTopic('soc')])).map((position) => position.committed)
    }
    const lag = (): Promise<readonly { sender: { pending: number } }[]> => jsonOf(directory.path, 'lag', '--over', '1')
    await eventually('everything is confirmed', async () => (await lag()).every(({ sender }) => sender.pending === 0))
    const offsets = await committed()

    const dry = await runCommand(directory.path, 'replay', '--agent', 'soc', '--from', '-1h', '--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.out).toMatch(/^soc: 330 messages /)
    const { id } = await jsonOf<{ id: string }>(
      directory.path,
      ...['replay', '--agent', 'soc', '--from', '-1h', '--rate', '100', '--mark', '--detach'],
    )
    const marked = (messages: readonly string[]): string[] => messages.filter((text) => jobOf(text) === id).map(idOf)
    await receiver.until((messages) => marked(messages).length >= 60)
    await fleet.kill(fleet.of('syslog-sender')[0] as RelayProcess)
    await fleet.start('syslog-sender')
    await receiver.until((messages) => new Set(marked(messages)).size === source.ids.length)
    await eventually('the job is done', async () => {
      const jobs = await jsonOf<readonly { id: string; state: string }[]>(directory.path, 'replay', '--list')
      return jobs.some((job) => job.id === id && job.state === 'done')
    })

    expect(new Set(marked(receiver.messages))).toEqual(new Set(source.ids))
    expect(marked(receiver.messages).length - source.ids.length).toBeLessThanOrEqual(100)
    expect(await committed()).toEqual(offsets)
    expect(receiver.messages.filter((text) => jobOf(text) === undefined)).toHaveLength(source.ids.length)
  })
})
