/** Dead letters and live records from the command line, of a relay that runs: real processes, the embedded log, a receiver. */
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { deadLettersTopic, letterHeaders, parseCef, rawHeaders } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { createGenerator } from '@siem-relay/simulator'
import { describe, expect, test } from 'vitest'
import { idOf } from '../faults/ledger.ts'
import { startFaultSource } from '../faults/source.ts'
import { jsonOf, runCommand, startCommand } from '../support/command.ts'
import { startRelayProcess } from '../support/process.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

const agentOf = ({ port }: Receiver): object => ({
  id: 'soc',
  syslog: { host: '127.0.0.1', port, framing: 'octet-counting', checkpointSeconds: 0.3 },
})

const line = 'CEF:0|MCAS|SIEM_Agent|1|X|refused once|3|externalId=of-sender'
const letters = [
  {
    key: 'of-sender',
    value: line,
    headers: {
      'event-time-ms': '1700000000000',
      kind: 'alert',
      severity: '3',
      [letterHeaders.stage]: 'syslog-sender',
      [letterHeaders.code]: 'RELAY_RECEIVER_REFUSED',
      [letterHeaders.topic]: 'out.soc',
    },
  },
  {
    key: 'of-formatter',
    value: JSON.stringify({ ...createGenerator(3).alert(1_700_000_000_000), _id: 'of-formatter' }),
    headers: {
      [rawHeaders.source]: 'contoso',
      [rawHeaders.tenant]: 'contoso',
      [rawHeaders.kind]: 'alerts',
      [letterHeaders.stage]: 'formatter',
      [letterHeaders.code]: 'RELAY_RECORD_INVALID',
      [letterHeaders.topic]: 'raw.contoso.alerts',
    },
  },
  {
    key: 'hopeless',
    value: 'no \u001b[31mJSON',
    headers: {
      [rawHeaders.kind]: 'alerts',
      [letterHeaders.stage]: 'formatter',
      [letterHeaders.code]: 'RELAY_RECORD_INVALID',
      [letterHeaders.reason]: 'the record is not JSON \u001b[2J',
      [letterHeaders.topic]: 'raw.contoso.alerts',
    },
  },
]

async function putAside(directory: string): Promise<void> {
  await using bus = await openSqliteBus({ path: join(directory, 'log'), clock: systemClock, freeBytesMin: 1_048_576 })
  await bus.ensureTopics([deadLettersTopic])
  await using writer = await bus.writer('test')
  await writer.commit({
    records: letters.map(({ key, value, headers }) => ({
      topic: deadLettersTopic.name,
      key,
      value: Buffer.from(value),
      headers: {
        ...headers,
        [letterHeaders.agent]: 'soc',
        [letterHeaders.partition]: '0',
        [letterHeaders.offset]: '1',
      },
    })),
  })
}

describe('siem-relay dlq', { timeout: 120_000 }, () => {
  test('lists what was put aside, sends it again once however often it is asked, and names what cannot go', async () => {
    using directory = temporaryDirectory()
    await putAside(directory.path)
    await using source = await startFaultSource(1)
    await using receiver = await tcpReceiver('octet-counting')
    const relay = await startRelayProcess(directory.path, { sources: [source.config], agents: [agentOf(receiver)] })

    const { out } = await runCommand(directory.path, 'dlq', 'list')
    expect(out).toMatch(/^id +put aside +agent +code\n/)
    expect(out).toContain('  formatter: the record is not JSON \ufffd[2J')
    expect(out).not.toContain('\u001b')
    expect(out.split('\n').filter((text) => text.length > 80)).toEqual([])
    const { letters: listed } = await jsonOf<{ letters: { id: string; key: string }[] }>(directory.path, 'dlq', 'list')
    const hopeless = listed.find(({ key }) => key === 'hopeless')?.id ?? ''
    const shown = await runCommand(directory.path, 'dlq', 'show', hopeless)
    expect(shown.out).toContain('no \ufffd[31mJSON')
    expect((await runCommand(directory.path, 'dlq', 'show', hopeless, '--raw')).out).toBe('no \u001b[31mJSON')

    const answers = await Promise.all([1, 2, 3].map(() => runCommand(directory.path, 'dlq', 'retry', '--every')))
    expect(answers.map(({ code }) => code)).toEqual([1, 1, 1])
    expect(answers.map(({ err }) => err).join('')).toContain('it still cannot be formatted: the record is not JSON')
    expect(answers.map(({ out: said }) => said).join('')).toMatch(/^soc: 2 dead letters go out again as replay \S+\n$/)
    await receiver.until((messages) => messages.length >= 2)
    source.add(20)
    await receiver.until((messages) => new Set(messages.map(idOf)).size >= source.ids.length + 2)
    const again = receiver.messages.map(idOf).filter((id) => id.startsWith('of-'))
    expect(again.toSorted()).toEqual(['of-formatter', 'of-sender'])
    expect(receiver.messages.find((text) => text.includes('of-sender'))).toContain(line)

    // The log is the relay's: what it would make of its last records is asked through its socket.
    const preview = await runCommand(directory.path, 'preview', '--agent', 'soc', '--limit', '3')
    expect(preview).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^[1-9]\d* would be sent, 0 left out, 0 would go/),
    })
    expect(preview.out).toMatch(/ CEF:0\|MCAS\|SIEM_Agent\|/)

    const open = await jsonOf<{ letters: { id: string }[] }>(directory.path, 'dlq', 'list')
    expect(open.letters.map(({ id }) => id)).toEqual([hopeless])
    expect(await runCommand(directory.path, 'dlq', 'drop', hopeless)).toMatchObject({ code: 2 })
    expect(await runCommand(directory.path, 'dlq', 'drop', hopeless, '--yes')).toEqual({
      code: 0,
      out: '1 dead letter dropped\n',
      err: '',
    })
    expect((await runCommand(directory.path, 'dlq', 'list')).out).toBe('no dead letters\n')
    const all = (await runCommand(directory.path, 'dlq', 'list', '--all')).out
    expect(all.match(/^ {2}(retried|dropped) at /gm)?.toSorted()).toEqual(
      ['dropped', 'retried', 'retried'].map((word) => `  ${word} at `),
    )
    // What was put aside stays counted where it was, and what went again is no delivery of live messages.
    const metrics = await (await fetch(`${relay.adminUrl}/metrics`)).text()
    expect(metrics).toContain('siem_relay_replayed_messages_total{agent="soc"} 2')
    await relay.kill('SIGTERM')
  })

  test('a retry that began while no relay ran goes out with the next one, also after kill -9', async () => {
    using directory = temporaryDirectory()
    await putAside(directory.path)
    await using source = await startFaultSource(1)
    await using receiver = await tcpReceiver('octet-counting')
    const config = { sources: [source.config], agents: [agentOf(receiver)] }
    const first = await startRelayProcess(directory.path, config)
    await first.kill('SIGKILL')
    const told = await runCommand(directory.path, 'dlq', 'retry', '--stage', 'syslog-sender')
    expect(told).toMatchObject({ code: 0, err: expect.stringContaining('they go out with the next `siem-relay run`') })
    const second = await startRelayProcess(directory.path, config)
    await receiver.until((messages) => messages.some((text) => text.endsWith(line)))
    await second.kill('SIGTERM')
    expect(receiver.messages.filter((text) => text.endsWith(line))).toHaveLength(1)
  })

  test.each([
    [['dlq', 'retry'], /name letters by their ids, or all that fit/],
    [['dlq', 'retry', '1-2', '--every'], /name letters by their ids, or all that fit/],
    [['dlq', 'show', '../x'], /names no dead letter/],
  ])('%j is wrong usage', async (args, message) => {
    using directory = temporaryDirectory()
    await putAside(directory.path)
    const { code, err } = await runCommand(directory.path, ...args, '--data', join(directory.path, 'log'))
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})

describe('siem-relay tap', { timeout: 120_000 }, () => {
  test('shows records of a running relay as they come by, without the names in them, until it is interrupted', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(1)
    await using receiver = await tcpReceiver('octet-counting')
    const relay = await startRelayProcess(directory.path, { sources: [source.config], agents: [agentOf(receiver)] })
    const raw = startCommand(directory.path, ['tap', 'raw', '--format', 'value', '--limit', '110'])
    const lines = startCommand(directory.path, ['tap', 'out', '--agent', 'soc', '--json'])
    await Promise.all([raw.saying(/^Tapping raw\.contoso/m), lines.saying(/^Tapping out\.soc/m)])
    source.add(100)
    await receiver.until((messages) => new Set(messages.map(idOf)).size >= source.ids.length)
    const records = (await raw.result).out.trimEnd().split('\n')
    expect(records.map((text) => (JSON.parse(text) as { _id: string })._id).toSorted()).toEqual(source.ids.toSorted())
    await expect.poll(() => lines.said().split('\n').length).toBeGreaterThan(source.ids.length)
    lines.interrupt()
    const { code, out } = await lines.result
    expect(code).toBe(0)
    const everything = `${records.join('\n')}\n${out}`
    const persons = receiver.messages.flatMap((text) => {
      const { extension } = parseCef(text.slice(text.indexOf('CEF:')))
      return ['suser', 'dvc', 'c6a1'].map((key) => extension.get(key) ?? '')
    })
    const named = new Set(persons.filter((text) => text.length > 3))
    expect(named.size).toBeGreaterThan(20)
    expect([...named].filter((text) => everything.includes(text))).toEqual([])
    await relay.kill('SIGTERM')
  })
})
