/** replay, lag, sources and forget over a log that no relay has open; with one, see test/e2e. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { encodeSourceReport, outTopic, sourceStatusTopic } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/terminal.ts'

interface Parts {
  readonly cwd: string
  run(...args: string[]): ReturnType<typeof runInProcess>
}

/** A configuration with the agent soc, which is disabled, and a log with five messages of it. */
async function inDirectory(work: (parts: Parts) => Promise<void>, sources: readonly object[] = []): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'siem-relay-commands-'))
  try {
    const config = { agents: [{ id: 'soc', console: true, enabled: false }], sources }
    writeFileSync(join(cwd, 'siem-relay.yaml'), JSON.stringify(config), { mode: 0o600 })
    {
      await using bus = await openSqliteBus({ path: join(cwd, 'data'), clock: systemClock, freeBytesMin: 1_000_000 })
      await bus.ensureTopics([outTopic('soc')])
      await using writer = await bus.writer('test')
      const value = Buffer.from('CEF:0|a|b|c|d|e|3|')
      await writer.commit({
        records: Array.from({ length: 5 }, (_, n) => ({ topic: 'out.soc', key: `k${n}`, value, headers: {} })),
      })
    }
    await work({ cwd, run: (...args) => runInProcess(args, { cwd }) })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

describe('a replay', () => {
  test('is counted, started, listed and cancelled without a relay', () =>
    inDirectory(async ({ run }) => {
      const replay = ['replay', '--agent', 'soc', '--from', '-1h']
      expect((await run(...replay, '--dry-run')).out).toMatch(/^soc: 5 messages stored from .* would go out again/)
      expect(JSON.parse((await run(...replay, '--dry-run', '--json')).out)).toMatchObject({
        agent: 'soc',
        records: 5,
        state: 'not started',
      })
      expect((await run('replay', '--list')).out).toBe('no replays\n')
      const started = await run(...replay, '--rate', '7', '--mark')
      expect(started.code).toBe(0)
      expect(started.out).toMatch(/at most 7 a second \(1 s\), marked with cs6Label=replayJob\nreplay \S+\n$/)
      expect(started.err).toMatch(/No relay runs on this log: the replay begins with the next/)
      const id = /replay (\S+)\n$/.exec(started.out)?.[1] ?? ''
      expect((await run('replay', '--list')).out).toMatch(new RegExp(`^${id} soc: running 0 %, 0 messages sent again`))
      const followed = await run('replay', '--follow', id)
      expect([followed.code, followed.err]).toEqual([0, expect.stringContaining('goes on with the next')])
      expect((await run('replay', '--cancel', id)).out).toContain('cancelled')
      expect((await run('replay', '--follow', id)).code).toBe(1)
    }))

  test('of a time without messages starts nothing', () =>
    inDirectory(async ({ run }) => {
      const { code, out } = await run('replay', '--agent', 'soc', '--from', '2020-01-01', '--to', '2020-01-02')
      expect([code, out]).toEqual([
        0,
        'soc: nothing was stored from 2020-01-01T00:00:00.000Z until 2020-01-02T00:00:00.000Z\n',
      ])
      expect((await run('replay', '--list', '--json')).out).toBe('[]\n')
    }))
})

describe('forget', () => {
  test.each([
    ['y\n', 0, 'agent soc is forgotten: 5 messages discarded, 5 of them not delivered\n'],
    ['n\n', 1, ''],
    ['\n', 1, ''],
    ['', 1, ''],
  ])('asks on a terminal; %j is answered with exit code %i', (typed, code, out) =>
    inDirectory(async ({ cwd }) => {
      const outcome = await runInProcess(['forget', '--agent', 'soc'], { cwd, typed })
      expect(outcome.err).toContain('Discard 5 messages of agent soc, 5 of them not delivered? [y/N] ')
      expect(outcome).toMatchObject({ code, out })
      if (code === 1) expect(outcome.err).toContain('Nothing was discarded.')
    }),
  )

  test('needs --yes where nobody can be asked', () =>
    inDirectory(async ({ run }) => {
      expect(await run('forget', '--agent', 'soc')).toMatchObject({ code: 2, err: expect.stringContaining('--yes') })
      expect((await run('forget', '--agent', 'soc', '--yes')).code).toBe(0)
    }))
})

test('lag says that nothing moves, and shows one agent as JSON', () =>
  inDirectory(async ({ run }) => {
    expect(await run('lag')).toMatchObject({ code: 0, err: 'No relay runs on this log: nothing moves.\n' })
    expect(JSON.parse((await run('lag', '--agent', 'soc', '--json')).out)).toMatchObject([
      { agent: 'soc', enabled: false, sender: { pending: 5 } },
    ])
  }))

describe('sources', () => {
  const contoso = {
    id: 'contoso',
    type: 'defender-for-cloud-apps',
    url: 'https://contoso.example',
    auth: { type: 'token', token: 'canary' },
  }

  test('says that nothing is collected, and which source nobody has reported', () =>
    inDirectory(
      async ({ run }) => {
        const { code, out, err } = await run('sources')
        expect([code, err]).toEqual([0, 'No relay runs on this log: nothing is collected.\n'])
        expect(out).toMatch(/^1 source: 1 unknown\n/)
        expect(out).toMatch(/^contoso {2}defender-for-cloud-apps {2}unknown {2}- {7}- {8}-$/m)
        const asJson = await run('sources', '--json')
        expect([asJson.code, asJson.err]).toEqual([0, ''])
        expect(JSON.parse(asJson.out)).toEqual([
          {
            id: 'contoso',
            tenant: 'contoso',
            type: 'defender-for-cloud-apps',
            isConfigured: true,
            state: 'unknown',
            streams: [],
            reported: 'never',
          },
        ])
      },
      [contoso],
    ))

  test('reads what was told last, whatever an API put into it', () =>
    inDirectory(
      async ({ cwd, run }) => {
        {
          await using bus = await openSqliteBus({ path: join(cwd, 'data'), clock: systemClock })
          await bus.ensureTopics([sourceStatusTopic])
          await using writer = await bus.writer('test')
          const message = 'refused: \u001b[2J\u009b2J\u202egnp'
          const report = {
            ...{ id: 'contoso', tenant: 'contoso', type: contoso.type, state: 'error', streams: [] },
            ...{ lastError: { code: 'RELAY_SOURCE_AUTH', message, atMs: 1 }, instance: 'a1', host: 'relay-1', atMs: 1 },
          }
          const record = (key: string, value: Buffer) => ({ topic: sourceStatusTopic.name, key, value, headers: {} })
          const records = [record('contoso', encodeSourceReport(report)), record('odd', Buffer.from('no report'))]
          await writer.commit({ records })
        }
        const { out } = await run('sources')
        expect(out).toContain('refused: \ufffd[2J\ufffd2J\ufffdgnp')
        expect(out).toMatch(/^contoso: stale\n {2}Not reported since 1970-01-01T00:00:00.001Z/m)
        const json = (await run('sources', '--json')).out
        expect(json).toContain(String.raw`refused: \u001b[2J\u009b2J\u202egnp`)
        expect(JSON.parse(json)).toMatchObject([{ id: 'contoso', state: 'error', reported: 'stale', host: 'relay-1' }])
      },
      [contoso],
    ))

  test('without any says so', () =>
    inDirectory(async ({ run }) => {
      expect((await run('sources')).out).toBe('no sources\n')
      expect((await run('sources', '--json')).out).toBe('[]\n')
    }))
})

describe('what cannot be asked is refused', () => {
  test.each([
    ['neither an agent nor anything else', ['replay'], /give one of: --agent ID --from TIME/],
    ['two wishes at once', ['replay', '--list', '--cancel', 'x'], /give one of/],
    ['no beginning', ['replay', '--agent', 'soc'], /--from is missing/],
    ['a time that is none', ['replay', '--agent', 'soc', '--from', 'noon'], /--from "noon" is no time/],
    ['an end before the beginning', ['replay', '--agent', 'soc', '--from', '-1h', '--to', '-2h'], /is not before/],
    ['a pace that is none', ['replay', '--agent', 'soc', '--from', '-1h', '--rate', '0'], /whole number from 1/],
    ['an agent nobody knows', ['replay', '--agent', 'who', '--from', '-1h'], /no agent who; it has: soc/],
    ['a replay nobody knows', ['replay', '--follow', 'who'], /there is no replay who/],
    ['a log that is not there', ['lag', '--data', './nowhere'], /there is no log in .*nowhere/],
    ['sources of a log that is not there', ['sources', '--data', './nowhere'], /there is no log in .*nowhere/],
  ])('%s', (_, args, message) =>
    inDirectory(async ({ run }) => {
      const { code, err } = await run(...args)
      expect(err).toMatch(message)
      expect(code).toBe(2)
    }),
  )

  test('a log that another process has open without answering', () =>
    inDirectory(async ({ cwd, run }) => {
      await using _bus = await openSqliteBus({ path: join(cwd, 'data'), clock: systemClock, freeBytesMin: 1_000_000 })
      const { code, err } = await run('lag')
      expect(err).toMatch(/is in use by process \d+, which has no control socket there/)
      expect(code).toBe(1)
    }))
})
