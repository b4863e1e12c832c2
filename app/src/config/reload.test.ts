import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RelayError } from '@siem-relay/common'
import { createMetrics } from '@siem-relay/service-kit'
import { FakeClock, memoryLogger } from '@siem-relay/service-kit/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemTerminal } from '../terminal.ts'
import { loadRelayConfig } from './load.ts'
import { Reloading } from './reload.ts'
import { createReloadMetrics } from './reload-metrics.ts'
import type { RelayConfig } from './schema.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'siem-relay-reload-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text, { mode: 0o600 })
const agents = (...ids: readonly string[]): string =>
  `agents:\n${ids.map((id) => `  - { id: ${id}, console: true }\n`).join('')}`

/** Keeps a fake relay in line with siem-relay.yaml in the directory. */
function start(apply: (config: RelayConfig) => Promise<void> = async () => undefined) {
  const clock = new FakeClock()
  const { log, entries } = memoryLogger({ clock })
  const metrics = createMetrics({ version: '1.0.0' })
  const terminal = { ...systemTerminal, env: {}, cwd: directory }
  const applied: RelayConfig[] = []
  const reloading = new Reloading({
    loaded: loadRelayConfig('siem-relay.yaml', terminal),
    load: (readFile) => loadRelayConfig('siem-relay.yaml', terminal, readFile),
    apply: async (config) => {
      await apply(config)
      applied.push(config)
    },
    clock,
    log,
    metrics: createReloadMetrics(metrics),
  })
  return {
    clock,
    reloading,
    entries,
    applied,
    ids: () => applied.map((config) => config.agents.map(({ id }) => id).join(' ')),
    errors: () => entries.filter(({ level }) => level === 'error'),
    metric: async (name: string, result?: string) => {
      const values = (await metrics.getSingleMetric(name)?.get())?.values ?? []
      return values.find(({ labels }) => result === undefined || labels.result === result)?.value
    },
    [Symbol.asyncDispose]: () => reloading[Symbol.asyncDispose](),
  }
}

describe('a configuration file that changes', () => {
  test('is taken up once, whether edited or renamed over', async () => {
    write('siem-relay.yaml', agents('a'))
    await using relay = start()
    await relay.clock.advance(60_000)
    expect(relay.applied).toEqual([])
    write('siem-relay.yaml', agents('a', 'b'))
    await relay.clock.advance(60_000)
    write('new.yaml', agents('b'))
    renameSync(join(directory, 'new.yaml'), join(directory, 'siem-relay.yaml'))
    await relay.clock.advance(60_000)
    expect(relay.ids()).toEqual(['a b', 'b'])
    expect(await relay.metric('siem_relay_config_reloads_total', 'applied')).toBe(2)
  })

  test('is taken up when only the secret it names changed, or came back', async () => {
    write('token', 'one')
    write(
      'siem-relay.yaml',
      'sources: [{ id: a, type: defender-for-cloud-apps, url: https://a.example, auth: { type: token, tokenFile: token } }]',
    )
    await using relay = start()
    const tokens = (): readonly string[] =>
      relay.applied.map(({ sources: [source] }) =>
        source !== undefined && 'auth' in source && source.auth.type === 'token' ? source.auth.token.reveal() : '',
      )
    write('token', 'two')
    await relay.clock.advance(5_000)
    expect(tokens()).toEqual(['two'])
    rmSync(join(directory, 'token'))
    await relay.clock.advance(5_000)
    expect(relay.errors()).toMatchObject([
      { problems: [expect.stringMatching(/siem-relay\.yaml:1:\d+ .*tokenFile: .*no such file/)] },
    ])
    write('token', 'three')
    await relay.clock.advance(5_000)
    expect(tokens()).toEqual(['two', 'three'])
  })

  test('and means the same disturbs nothing', async () => {
    write('siem-relay.yaml', agents('a'))
    await using relay = start()
    write('siem-relay.yaml', `# a comment\n${agents('a')}`)
    await relay.clock.advance(60_000)
    expect(relay.applied).toEqual([])
  })

  test('that is wrong leaves the one before in force and says where it is wrong, once', async () => {
    write('siem-relay.yaml', agents('a'))
    await using relay = start()
    const bad = `${agents('b')}  - { id: c, console: true, formt: generic }\nsurces: []\n`
    write('siem-relay.yaml', bad)
    await relay.clock.advance(60_000)
    write('siem-relay.yaml', bad)
    await relay.clock.advance(60_000)
    relay.reloading.reload()
    await relay.clock.advance(60_000)
    expect(relay.errors()).toMatchObject([
      {
        msg: 'configuration not reloaded: the one before stays in force',
        problems: [
          expect.stringMatching(/siem-relay\.yaml:3:\d+ agents\[1\]\.formt: .*format/),
          expect.stringMatching(/siem-relay\.yaml:4:1 surces: .*sources/),
        ],
      },
    ])
    expect(relay.applied).toEqual([])
    expect(await relay.metric('siem_relay_config_reload_failed')).toBe(1)
    expect(await relay.metric('siem_relay_config_reloads_total', 'refused')).toBe(1)

    write('siem-relay.yaml', agents('a'))
    await relay.clock.advance(60_000)
    expect(relay.applied).toEqual([])
    expect(await relay.metric('siem_relay_config_reload_failed')).toBe(0)
    write('siem-relay.yaml', agents('a', 'b'))
    await relay.clock.advance(60_000)
    expect(relay.ids()).toEqual(['a b'])
  })

  test('and is empty, as after a failed copy, leaves the one before in force', async () => {
    write('siem-relay.yaml', agents('a'))
    await using relay = start()
    write('siem-relay.yaml', '')
    await relay.clock.advance(60_000)
    expect(relay.applied).toEqual([])
    expect(relay.errors()).toMatchObject([{ problems: [expect.stringMatching(/neither sources nor agents/)] }])
    rmSync(join(directory, 'siem-relay.yaml'))
    await relay.clock.advance(60_000)
    expect(relay.applied).toEqual([])
    expect(relay.errors().at(-1)).toMatchObject({ problems: [expect.stringMatching(/no such file/)] })
  })

  test('to what this machine cannot do is refused like one that is wrong', async () => {
    write('siem-relay.yaml', agents('a'))
    await using relay = start(() => Promise.reject(new RelayError('RELAY_CONFIG_INVALID', 'agent b: not here')))
    write('siem-relay.yaml', agents('b'))
    await relay.clock.advance(60_000)
    expect(relay.errors()).toMatchObject([{ problems: ['agent b: not here'] }])
    expect(await relay.metric('siem_relay_config_reload_failed')).toBe(1)
  })

  test('while the log is in trouble is tried again until it is in force', async () => {
    write('siem-relay.yaml', agents('a'))
    let failures = 3
    await using relay = start(async () => {
      if (failures-- > 0) throw new RelayError('RELAY_LOG_WRITE', 'no room')
    })
    write('siem-relay.yaml', agents('a', 'b'))
    await relay.clock.advance(60_000)
    expect(relay.ids()).toEqual(['a b'])
    expect(relay.errors()).toHaveLength(1)
    expect(await relay.metric('siem_relay_config_reload_failed')).toBe(0)
  })

  test('is taken up at once when asked', async () => {
    write('siem-relay.yaml', agents('a'))
    await using relay = start()
    await relay.clock.settle()
    write('siem-relay.yaml', agents('b'))
    relay.reloading.reload()
    await relay.clock.settle()
    expect(relay.ids()).toEqual(['b'])
  })
})

test('a file that changed while the relay started is taken up', async () => {
  write('siem-relay.yaml', agents('a'))
  const relay = start()
  write('siem-relay.yaml', agents('b'))
  await relay.clock.advance(5_000)
  await relay[Symbol.asyncDispose]()
  expect(relay.ids()).toEqual(['b'])
  expect(relay.clock.pending).toBe(0)
})
