/** How far an agent is behind, and letting go of one: real processes on the embedded log. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { AgentLag } from '@siem-relay/control'
import { describe, expect, test } from 'vitest'
import { startFaultSource } from '../faults/source.ts'
import { jsonOf, runCommand } from '../support/command.ts'
import { startRelayProcess } from '../support/process.ts'
import { tcpReceiver } from '../support/receivers.ts'
import { temporaryDirectory } from '../support/relay.ts'

/** A port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const agent = (id: string, port: number, more: object = {}): object => ({
  id,
  syslog: { host: '127.0.0.1', port, framing: 'octet-counting', checkpointSeconds: 0.2 },
  ...more,
})

describe('siem-relay lag and forget', { timeout: 180_000 }, () => {
  test('tell what is pending for whom, and discard it for an agent that is no longer wanted', async () => {
    using directory = temporaryDirectory()
    await using source = await startFaultSource(6)
    await using receiver = await tcpReceiver('octet-counting')
    const away = await freePort()
    source.add(300)
    const sources = [source.config]
    const first = await startRelayProcess(directory.path, {
      sources,
      agents: [agent('soc', receiver.port), agent('away', away)],
    })
    await receiver.until((messages) => messages.length >= 330)
    const lag = (...args: string[]): Promise<readonly AgentLag[]> =>
      jsonOf(directory.path, 'lag', '--over', '1', ...args)
    await expect
      .poll(async () => (await lag()).map((one) => [one.agent, one.formatter.pending, one.sender.pending]), {
        timeout: 30_000,
      })
      .toEqual([
        ['soc', 0, 0],
        ['away', 0, 330],
      ])
    const [behind] = await lag('--agent', 'away')
    expect(behind).toMatchObject({ enabled: true, sender: { pending: 330, outPerSecond: 0 } })
    expect(behind?.oldestSeconds).toBeGreaterThan(0)
    // Nothing goes out: it will never be caught up at this rate.
    expect(behind?.catchUpSeconds).toBeUndefined()
    const table = await runCommand(directory.path, 'lag', '--over', '1')
    expect(table.code).toBe(0)
    expect(table.out).toMatch(/^agent +not formatted +not delivered +oldest +in\/s +out\/s +caught up in$/m)
    expect(table.out).toMatch(/^away +0 +330 +\d+ (s|min.*) +0\.0 +0\.0 +not at this rate$/m)
    expect(await runCommand(directory.path, 'lag', '--agent', 'nobody')).toMatchObject({
      code: 2,
      err: expect.stringContaining('the configuration has no agent nobody; it has: soc, away'),
    })

    const refused = await runCommand(directory.path, 'forget', '--agent', 'away', '--yes')
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('agent away is enabled') })
    await first.kill('SIGKILL')

    // Disabled, with the relay running: asked through its socket.
    const second = await startRelayProcess(directory.path, {
      sources,
      agents: [agent('soc', receiver.port), agent('away', away, { enabled: false })],
    })
    expect((await lag()).map((one) => one.agent)).toEqual(['soc'])
    const unasked = await runCommand(directory.path, 'forget', '--agent', 'away')
    expect(unasked).toMatchObject({
      code: 2,
      err: expect.stringMatching(/Discard 330 messages of agent away, 330 of them not delivered\? Say so with --yes/),
    })
    expect(await runCommand(directory.path, 'forget', '--agent', 'away', '--yes')).toMatchObject({
      code: 0,
      out: 'agent away is forgotten: 330 messages discarded, 330 of them not delivered\n',
    })
    expect((await lag('--agent', 'away')).map((one) => one.sender.pending)).toEqual([0])
    expect(await second.kill('SIGTERM')).toBe(0)

    // Gone from the configuration, and no relay: the log itself is opened.
    writeFileSync(
      join(directory.path, 'siem-relay.yaml'),
      JSON.stringify({ bus: { path: join(directory.path, 'log') }, sources, agents: [] }),
      { mode: 0o600 },
    )
    expect(await runCommand(directory.path, 'forget', '--agent', 'soc', '--yes')).toMatchObject({
      code: 0,
      out: 'agent soc is forgotten: 330 messages discarded, 0 of them not delivered\n',
    })
    expect(await runCommand(directory.path, 'forget', '--agent', 'soc', '--yes')).toMatchObject({
      out: 'agent soc is forgotten: 0 messages discarded, 0 of them not delivered\n',
    })
    expect(await runCommand(directory.path, 'lag')).toMatchObject({ code: 0, err: expect.stringContaining('No relay') })
  })
})
