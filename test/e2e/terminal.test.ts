/** Commands where a person looks: on a real pseudo-terminal of 80 columns, with and without colour; and in a pipe. */
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { deadLettersTopic, letterHeaders } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idOf } from '../faults/ledger.ts'
import { type FaultSource, startFaultSource } from '../faults/source.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { type RelayProcess, startRelayProcess } from '../support/process.ts'
import { seenOf, startOnPty } from '../support/pseudo-terminal.ts'
import { type Receiver, tcpReceiver } from '../support/receivers.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/relay.ts'

let directory: TemporaryDirectory
let source: FaultSource
let receiver: Receiver
let relay: RelayProcess

beforeAll(async () => {
  directory = temporaryDirectory()
  await using bus = await openSqliteBus({
    path: join(directory.path, 'log'),
    clock: systemClock,
    freeBytesMin: 1_048_576,
  })
  await bus.ensureTopics([deadLettersTopic])
  await using writer = await bus.writer('test')
  await writer.commit({
    records: [
      {
        topic: deadLettersTopic.name,
        key: 'a',
        value: Buffer.from('CEF:0|a'),
        headers: {
          [letterHeaders.stage]: 'syslog-sender',
          [letterHeaders.agent]: 'soc',
          [letterHeaders.code]: 'RELAY_RECEIVER_UNCONFIRMED',
          [letterHeaders.reason]: `refused ${'\u001b[2J'.repeat(5)} ${'very '.repeat(60)}long`,
        },
      },
    ],
  })
  await bus[Symbol.asyncDispose]()
  source = await startFaultSource(1)
  receiver = await tcpReceiver('octet-counting')
  relay = await startRelayProcess(directory.path, {
    sources: [source.config],
    agents: [
      {
        id: 'soc',
        syslog: { host: '127.0.0.1', port: receiver.port, framing: 'octet-counting', checkpointSeconds: 0.3 },
      },
    ],
  })
  source.add(200)
  await receiver.until((messages) => new Set(messages.map(idOf)).size >= source.ids.length)
}, 60_000)

afterAll(async () => {
  await relay?.kill('SIGTERM')
  await receiver?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
  directory?.[Symbol.dispose]()
})

const esc = '\u001b'
/** Text of others that clears the screen would show as this. */
const clearing = `${esc}[2J`
const tooWide = (out: string): readonly string[] => seenOf(out).filter((line) => line.length > 80)

describe('siem-relay top', { timeout: 60_000 }, () => {
  test('is drawn on a page of its own until q, and leaves the terminal as it was', async () => {
    const top = startOnPty(directory.path, ['top', '--interval', '1'])
    await top.saying(/deliver/)
    top.type('q')
    const { code, isRestored, out } = await top.result
    expect({ code, isRestored }).toEqual({ code: 0, isRestored: true })
    expect(out).toMatch(/^\S*\?1049h/)
    expect(out.endsWith(`${esc}[?25h${esc}[?1049l`)).toBe(true)
    expect(tooWide(out)).toEqual([])
    expect(seenOf(out).join('\n')).toMatch(/^agent +stage +pending +oldest +in\/s +out\/s +bytes\/s +dead +done in$/m)
    expect(out).toContain(`${esc}[1m`)
  })

  test.each([
    ['Ctrl-C', (pty: ReturnType<typeof startOnPty>) => pty.type('\u0003')],
    ['SIGTERM', (pty: ReturnType<typeof startOnPty>) => pty.signal(15)],
    ['SIGHUP', (pty: ReturnType<typeof startOnPty>) => pty.signal(1)],
  ])('gives the terminal back at %s', async (_, end) => {
    const top = startOnPty(directory.path, ['top', '--interval', '1'])
    await top.saying(/measuring/)
    end(top)
    const { code, isRestored, out } = await top.result
    expect({ code, isRestored }).toEqual({ code: 0, isRestored: true })
    expect(out.endsWith(`${esc}[?25h${esc}[?1049l`)).toBe(true)
  })

  test('has no colour with NO_COLOR, and one plain page on a dumb terminal or in a pipe', async () => {
    const top = startOnPty(directory.path, ['top', '--interval', '1'], { env: { NO_COLOR: '1' } })
    await top.saying(/deliver/)
    top.type('q')
    expect((await top.result).out).not.toMatch(new RegExp(`${esc}\\[\\d*m`))
    const dumb = await startOnPty(directory.path, ['top', '--interval', '1'], { env: { TERM: 'dumb' } }).result
    expect(dumb.out).not.toContain(esc)
    const piped = await startCommand(directory.path, ['top', '--interval', '1']).result
    expect(piped).toMatchObject({ code: 0, err: '' })
    expect(piped.out).toMatch(/^source .*\ncontoso .*\n\nagent .*\nsoc +format .*\n +deliver .*\n$/)
  })

  test('gives everything as JSON', async () => {
    const { out } = await runCommand(directory.path, 'top', '--json', '--interval', '1')
    expect(JSON.parse(out)).toMatchObject({
      windowSeconds: 1,
      sources: [{ id: 'contoso', recordsPerSecond: 0 }],
      agents: [
        {
          agent: 'soc',
          stages: [
            { stage: 'format', deadLettered: 0 },
            { stage: 'deliver', bytesPerSecond: 0 },
          ],
        },
      ],
    })
  })

  test('fits a small terminal', async () => {
    const top = startOnPty(directory.path, ['top', '--interval', '1'], { columns: 40, rows: 6 })
    await top.saying(/agent +stage/)
    top.type('q')
    const page = (await top.result).out.split(`${esc}[H`).at(-1) ?? ''
    const shown = seenOf(page.slice(0, page.indexOf(`${esc}[J`)))
    expect(shown.length).toBeLessThanOrEqual(6)
    expect(shown.filter((line) => line.length > 40)).toEqual([])
  })
})

describe('siem-relay dlq, tap and replay', { timeout: 60_000 }, () => {
  test('a list of dead letters fits, and what others wrote steers nothing', async () => {
    const { code, out } = await startOnPty(directory.path, ['dlq', 'list']).result
    expect(code).toBe(0)
    expect(out).toContain('RELAY_RECEIVER_UNCONFIRMED')
    expect(out).not.toContain(clearing)
    expect(tooWide(out)).toEqual([])
  })

  test('dropping asks on a terminal, and nothing but yes is yes', async () => {
    const asked = startOnPty(directory.path, ['dlq', 'drop', '--every'])
    await asked.saying(/Mark every dead letter that fits as dropped\? \[y\/N\]/)
    asked.type('\r')
    const { code, out, isRestored } = await asked.result
    expect({ code, isRestored }).toEqual({ code: 1, isRestored: true })
    expect(out).toContain('Nothing was dropped.')
  })

  test('a tap ends at Ctrl-C with the terminal as it was', async () => {
    const tap = startOnPty(directory.path, ['tap', 'raw'])
    await tap.saying(/Ctrl-C ends/)
    source.add(5)
    await tap.saying(/raw\.contoso\.\w+\/\d+@\d+ \{/)
    tap.type('\u0003')
    expect(await tap.result).toMatchObject({ code: 0, isRestored: true })
  })

  test('a tap whose reader has had enough ends without a word', async () => {
    const shell = startCommand(directory.path, ['tap', 'raw', '--limit', '3', '--format', 'value'])
    await shell.saying(/Tapping/)
    source.add(5)
    const { code, out } = await shell.result
    expect(code).toBe(0)
    expect(out.trimEnd().split('\n')).toHaveLength(3)
  })

  test('a replay draws a bar on a terminal, and plain lines elsewhere', async () => {
    const args = ['replay', '--agent', 'soc', '--from', '-1h', '--rate', '200']
    const drawn = await startOnPty(directory.path, args).result
    expect(drawn).toMatchObject({ code: 0, isRestored: true })
    expect(drawn.out).toMatch(/\r\[#*\.*\] +\d+ % \d+ messages/)
    expect(tooWide(drawn.out.replace(/^soc: .*$/gm, '').replace(/^\S+ soc: done.*$/gm, ''))).toEqual([])
    const piped = await startCommand(directory.path, args).result
    expect(piped.err).toMatch(/^ *\d+ % \d+ messages$/m)
    expect(piped.err + piped.out).not.toMatch(/[\r\u001b]/)
  })
})
