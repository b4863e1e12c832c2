import { describe, expect, test } from 'vitest'
import { controlSocketPath } from './socket-path.ts'

const cwd = `/${'d'.repeat(100)}`

describe('the control socket', () => {
  test('stands in the directory of the log', () =>
    expect(controlSocketPath('data', { platform: 'linux', cwd: '/srv/relay' })).toBe('/srv/relay/data/control.sock'))

  test('is named from the working directory where the whole path is too long for a socket', () => {
    expect(controlSocketPath('data', { platform: 'linux', cwd })).toBe('data/control.sock')
    expect(controlSocketPath(`${cwd}/data`, { platform: 'linux', cwd })).toBe('data/control.sock')
  })

  test('is refused with what to do where both are too long', () =>
    expect(() => controlSocketPath('e'.repeat(100), { platform: 'linux', cwd: '/srv' })).toThrow(
      /too long for a socket, which takes 103 bytes: choose a shorter bus\.path/,
    ))

  test('is a named pipe on Windows, one for each directory', () => {
    const [one, other] = ['a', 'b'].map((name) => controlSocketPath(name, { platform: 'win32', cwd: '/x' }))
    expect(one).toMatch(/^\\\\\.\\pipe\\siem-relay-[0-9a-f]{32}$/)
    expect(other).not.toBe(one)
  })
})
