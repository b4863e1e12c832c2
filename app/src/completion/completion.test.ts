import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/terminal.ts'

async function scriptOf(shell: string): Promise<string> {
  const { code, out } = await runInProcess(['completion', shell], { cwd: '/' })
  expect(code).toBe(0)
  return out
}

/** What bash offers after these words; the last one is being typed. */
function offered(script: string, typed: readonly string[]): readonly string[] {
  const words = ['siem-relay', ...typed].map((word) => `'${word}'`).join(' ')
  const program = `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _siem_relay; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['--norc', '-c', program], { encoding: 'utf8' }).trim().split('\n')
}

describe('completion in bash', async () => {
  const script = await scriptOf('bash')
  test('offers commands, their subcommands and options', () => {
    expect(offered(script, ['do'])).toEqual(['doctor'])
    expect(offered(script, ['dlq', ''])).toEqual(['list', 'show', 'retry', 'drop', '--help'])
    expect(offered(script, ['dlq', 'list', '--a'])).toEqual(['--agent', '--all'])
  })
  test('offers the values of options and arguments that have a closed set', () => {
    expect(offered(script, ['tap', 'd'])).toEqual(['discarded', 'dead-letters'])
    expect(offered(script, ['tap', 'raw', '--kind', 'a'])).toEqual(['alerts', 'activities'])
    expect(offered(script, ['completion', ''])).toEqual(['bash', 'zsh', 'fish', '--help'])
  })
})

test.each(['zsh', 'fish'])(
  'the script of %s knows every command, and leaves no special name of the shell changed',
  async (shell) => {
    const script = await scriptOf(shell)
    for (const command of ['dlq', 'retry', 'tap', 'top', 'doctor', 'replay']) expect(script).toContain(command)
    // In zsh `path` is PATH.
    if (shell === 'zsh') expect(script).not.toMatch(/\bpath=|\$\{?path\b/)
  },
)

test('another shell is wrong usage', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'siem-relay-completion-'))
  expect((await runInProcess(['completion', 'tcsh'], { cwd })).code).toBe(2)
  rmSync(cwd, { recursive: true, force: true })
})
