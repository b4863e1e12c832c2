import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDirectory } from './make-directory.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'make-directory-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test('makes a directory with its parents, for its owner alone', () => {
  makeDirectory(join(root, 'a', 'b'), 0o700)
  expect(statSync(join(root, 'a', 'b')).mode & 0o777).toBe(0o700)
  makeDirectory(join(root, 'a', 'b'), 0o700)
})

test('a file in the way is an error', () => {
  writeFileSync(join(root, 'file'), '')
  expect(() => makeDirectory(join(root, 'file'), 0o700)).toThrow(/EEXIST/)
  expect(() => makeDirectory(join(root, 'file', 'b'), 0o700)).toThrow(/EEXIST|ENOTDIR/)
})

test.runIf(existsSync('/proc/self'))('a file system that takes no directories is an error, not a loop', () => {
  expect(() => makeDirectory('/proc/nope/logs', 0o700)).toThrow(/ENOENT/)
})
