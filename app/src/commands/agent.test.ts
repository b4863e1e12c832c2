import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startCommand } from '../../../test/support/command.ts'
import { temporaryDirectory } from '../../../test/support/relay.ts'
import { startRemotePortal } from '../../../test/support/remote-portal.ts'
import { runInProcess } from '../testing/terminal.ts'

const agents = [{ id: 'siem', remote: true, syslog: { host: 'siem.contoso.com', port: 514 } }] as const

describe('siem-relay agent', () => {
  test('--check asks once and tells of portal, token, agent, receiver and who works', async () => {
    using directory = temporaryDirectory()
    await using portal = await startRemotePortal({ directory: directory.path, agents })
    const tokenFile = join(directory.path, 'token')
    writeFileSync(tokenFile, portal.issue('siem'), { mode: 0o600 })
    const args = ['agent', '--check', '--portal', portal.url, '--token-file', tokenFile]
    const { code, out } = await runInProcess(args, { cwd: directory.path })
    expect(code).toBe(0)
    expect(out).toBe(
      [
        `portal    ${portal.url} answers`,
        'token     valid, of the agent siem',
        'agent     enabled',
        'receiver  tcp://siem.contoso.com:514, to be reached from this machine',
        'in use    by nobody',
        '',
      ].join('\n'),
    )
    portal.revoke('siem')
    const refused = await runInProcess(args, { cwd: directory.path })
    expect(refused).toMatchObject({ code: 78, out: '' })
    expect(refused.err).toMatch(/^Invalid token/)
  })

  test('--check says when something else than the portal answers', async () => {
    using directory = temporaryDirectory()
    await using portal = await startRemotePortal({ directory: directory.path, agents })
    const elsewhere = portal.url.replace('/siem', '/elsewhere')
    const { code, err } = await runInProcess(
      ['agent', '--check', '--portal', elsewhere, '--token', portal.issue('siem')],
      { cwd: directory.path },
    )
    expect(code).toBe(1)
    expect(err).toMatch(/warning: --token shows the token/)
    expect(err).toMatch(/answered 404/)
  })

  const token = `sra_a_${'A'.repeat(43)}`
  test.each([
    [[], 78],
    [['--portal', 'https://x.example'], 78],
    [['--portal', 'https://x.example', '--token', 'canary'], 78],
    [['--portal', 'https://x.example', '--token', token, '--proxy', 'socks5://x'], 78],
    [['--portal', 'https://x.example', '--token', token, '--ca', '/no/such/file'], 78],
    [['--admin', 'nowhere'], 2],
    [['--unknown'], 2],
    [['-h'], 0],
  ])('%j ends with %i', async (flags, expected) => {
    using directory = temporaryDirectory()
    const { code, err } = await runInProcess(['agent', '--check', ...flags], { cwd: directory.path })
    expect(code).toBe(expected)
    expect(err).not.toContain('canary')
  })

  test('a process that cannot start says why in one line and ends with 78', async () => {
    using directory = temporaryDirectory()
    const ca = ['--ca', '/no/such/file']
    const command = startCommand(directory.path, ['agent', '--portal', 'https://x.example', '--token', token, ...ca])
    expect(await command.result).toMatchObject({
      code: 78,
      out: '',
      err: expect.stringMatching(/^siem-relay: General error during bootstrap: caFile \/no\/such\/file cannot be used/),
    })
  })

  test('its page, its unit and its help know the same flags', async () => {
    const root = join(import.meta.dirname, '..', '..', '..')
    const flagsIn = (text: string): string[] => [...new Set(text.match(/(?<![\w-])--[a-z][A-Za-z-]+/g) ?? [])].sort()
    const { out } = await runInProcess(['agent', '--help'], { cwd: root })
    const known = flagsIn(out).filter((flag) => flag !== '--help')
    expect(known.length).toBeGreaterThan(5)
    const page = readFileSync(join(root, 'docs', 'using', 'remote-agent.md'), 'utf8')
    const table = page.slice(page.indexOf('## Flags'), page.indexOf('## Linux'))
    expect(flagsIn(table.replaceAll(/^(?!\|).*$/gm, ''))).toEqual(known)
    const unit = readFileSync(join(root, 'deploy', 'systemd', 'siem-relay-agent.service'), 'utf8')
    const started = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? ''
    expect(started).toContain(' agent ')
    expect(flagsIn(started).filter((flag) => !known.includes(flag))).toEqual([])
  })
})
