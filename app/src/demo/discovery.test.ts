import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fillDiscovery } from './discovery.ts'

const options = { startMs: 1_767_225_600_000, nowMs: () => 1_767_225_600_000 }

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-discovery-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

test('makes the directory and leaves whole files in it', () => {
  const directory = join(scratch(), 'incoming')
  fillDiscovery({ ...options, directory })()
  expect(readdirSync(directory).filter((name) => /^(past|minute-0)\b/.test(name))).toHaveLength(2)
})

test('a file in its place is told with what to do', () => {
  const directory = join(scratch(), 'file')
  writeFileSync(directory, '')
  expect(() => fillDiscovery({ ...options, directory })).toThrow(
    expect.objectContaining({ code: 'RELAY_USAGE', message: expect.stringMatching(/file.*name a directory/s) }),
  )
})
