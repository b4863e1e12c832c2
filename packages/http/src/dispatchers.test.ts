import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { trustedAuthorities } from './dispatchers.ts'

test('authorities of a file are trusted besides the usual ones, not in their place', () => {
  const directory = mkdtempSync(join(tmpdir(), 'siem-relay-http-'))
  try {
    const usual = getCACertificates('default')
    const file = join(directory, 'ca.pem')
    // Any certificate will do.
    const own = usual[0]?.trim() ?? ''
    writeFileSync(file, `# a comment\n${own}\n`)
    expect(trustedAuthorities(file)).toEqual([...usual, own])
    writeFileSync(file, 'nothing')
    expect(() => trustedAuthorities(file)).toThrow(/holds no PEM certificate/)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
