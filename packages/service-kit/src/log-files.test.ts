import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogFile } from './log-files.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'relay-logs-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const read = (name: string): string => readFileSync(join(directory, name), 'utf8')

describe('openLogFile', () => {
  test('appends to the file of the same instance after a restart', () => {
    for (const line of ['one\n', 'two\n']) {
      const file = openLogFile({ directory, service: 'portal', instance: 'a' })
      file.write(line)
      file.close()
    }
    expect(read('portal-a.log')).toBe('one\ntwo\n')
  })

  test('makes the directory', () => {
    openLogFile({ directory: join(directory, 'x', 'y'), service: 'portal', instance: 'a' }).close()
    expect(readdirSync(join(directory, 'x', 'y'))).toEqual(['portal-a.log'])
  })

  test('rotates before a file would pass its bound, and keeps as many files as it may', () => {
    const file = openLogFile({ directory, service: 'portal', instance: 'a', bytesMax: 10, filesMax: 3 })
    for (const line of ['1111\n', '2222\n', '3333\n', '4444\n', '5555\n', '6666\n', '7777\n']) file.write(line)
    file.close()
    expect(readdirSync(directory).sort()).toEqual(['portal-a.log', 'portal-a.log.1', 'portal-a.log.2'])
    expect(['portal-a.log.2', 'portal-a.log.1', 'portal-a.log'].map(read)).toEqual([
      '3333\n4444\n',
      '5555\n6666\n',
      '7777\n',
    ])
  })

  test('counts bytes, not characters, and knows what a file held before', () => {
    writeFileSync(join(directory, 'portal-a.log'), 'éééé\n')
    const file = openLogFile({ directory, service: 'portal', instance: 'a', bytesMax: 12, filesMax: 2 })
    file.write('éé\n')
    file.close()
    expect(read('portal-a.log')).toBe('éé\n')
    expect(read('portal-a.log.1')).toBe('éééé\n')
  })

  test('a line longer than the bound gets a file of its own', () => {
    const file = openLogFile({ directory, service: 'portal', instance: 'a', bytesMax: 4, filesMax: 3 })
    file.write('long line\n')
    file.write('b\n')
    file.close()
    expect(read('portal-a.log.1')).toBe('long line\n')
    expect(read('portal-a.log')).toBe('b\n')
  })

  test.each(['../../etc/cron.d/x', '/etc/passwd', 'a/b', 'a\u0000b', 'a\nb'])(
    'an instance named %j stays inside the directory',
    (instance) => {
      openLogFile({ directory, service: 'portal', instance }).close()
      expect(readdirSync(directory)).toEqual([`portal-${instance.replace(/[/\u0000\n]/g, '_')}.log`])
    },
  )

  test('files of instances that are gone do not pile up, and those of other services stay', () => {
    for (let index = 0; index < 6; index++) {
      const path = join(directory, `portal-old-${index}.log`)
      writeFileSync(path, 'x')
      utimesSync(path, 1_000 + index, 1_000 + index)
    }
    writeFileSync(join(directory, 'collector-a.log'), 'x')
    openLogFile({ directory, service: 'portal', instance: 'new', keptMax: 3 }).close()
    expect(readdirSync(directory).sort()).toEqual([
      'collector-a.log',
      'portal-new.log',
      'portal-old-4.log',
      'portal-old-5.log',
    ])
  })

  test('a directory that cannot be written is refused with the next move', () => {
    writeFileSync(join(directory, 'file'), '')
    const open = () => openLogFile({ directory: join(directory, 'file'), service: 'portal', instance: 'a' })
    expect(open).toThrow(/log files cannot be written in .*\/file \(E[A-Z]+\): make it writable/)
  })

  test('lines that could not be written are counted in the next one that could', () => {
    const file = openLogFile({ directory: join(directory, 'logs'), service: 'portal', instance: 'a', bytesMax: 4 })
    file.write('one\n')
    rmSync(join(directory, 'logs'), { recursive: true })
    writeFileSync(join(directory, 'logs'), 'in the way')
    file.write('two\n')
    file.write('three\n')
    rmSync(join(directory, 'logs'))
    openLogFile({ directory: join(directory, 'logs'), service: 'other', instance: 'a' }).close()
    file.write('four\n')
    file.close()
    expect(read('logs/portal-a.log')).toBe('{"level":"warn","leftOut":2,"msg":"log lines left out"}\nfour\n')
  })

  test('files are not readable by others', () => {
    openLogFile({ directory, service: 'portal', instance: 'a' }).close()
    expect(statSync(join(directory, 'portal-a.log')).mode & 0o007).toBe(0)
  })
})
