import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createLogger, type LoggerSettings } from './logging.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { memoryLogger } from './testing/memory-logger.ts'

function lineLogger(overrides: Partial<LoggerSettings> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ level: 'info', destination, service: 'collector', instance: 'relay-1', ...overrides })
  return { log, lines }
}

describe('createLogger', () => {
  test('writes one JSON object per line with ISO time, level, service and instance', () => {
    const { log, lines } = lineLogger({ clock: new FakeClock(Date.UTC(2026, 10, 22, 8, 30)) })
    log.warn({ topic: 'raw.contoso.alerts' }, 'record sent to dead letter')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: '2026-11-22T08:30:00.000Z',
      service: 'collector',
      instance: 'relay-1',
      topic: 'raw.contoso.alerts',
      msg: 'record sent to dead letter',
    })
  })

  test('leaves out what is below its level', () => {
    const { log, lines } = lineLogger({ level: 'warn' })
    log.info('polled')
    log.error('failed')
    expect(lines).toHaveLength(1)
  })

  test.each(['a\nb', 'a\r\nb', '\u0000\u001b[31m', '\u2028{"level":"fatal"}', 'x"}\n{"level":"fatal"}'])(
    'text %j stays inside its line and reads back unchanged',
    (text) => {
      const { log, lines } = lineLogger()
      log.info({ title: text, [text]: 1 }, text)
      expect(lines).toHaveLength(1)
      expect(lines[0]?.trimEnd()).not.toMatch(/[\u0000-\u001f]/)
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ title: text, msg: text })
    },
  )

  test.each([
    { token: 'canary' },
    { secret: 'canary' },
    { password: 'canary' },
    { authorization: 'canary' },
    { clientSecret: 'canary' },
    { source: { token: 'canary' } },
    { request: { headers: { authorization: 'canary', Authorization: 'canary' } } },
    { request: { headers: { 'proxy-authorization': 'canary' } } },
    { config: { auth: { clientSecret: 'canary', password: 'canary', secret: 'canary', token: 'canary' } } },
  ])('redacts %j', (fields) => {
    const { log, lines } = lineLogger()
    log.info(fields, 'started')
    log.child(fields).info('started')
    expect(lines.join()).toContain('[redacted]')
    expect(lines.join()).not.toContain('canary')
  })

  test('redacts headers an error carries', () => {
    const { log, lines } = lineLogger()
    log.error({ err: Object.assign(new Error('refused'), { headers: { authorization: 'canary' } }) }, 'request failed')
    expect(lines.join()).not.toContain('canary')
    expect(lines.join()).toContain('refused')
  })

  test("leaves the caller's object as it was", () => {
    const fields = { token: 'abc', deep: { token: 'abc' } }
    lineLogger().log.info(fields, 'started')
    expect(fields).toEqual({ token: 'abc', deep: { token: 'abc' } })
  })

  test('writes to a file as well when there is a logs directory', () => {
    const directory = mkdtempSync(join(tmpdir(), 'relay-log-'))
    try {
      const { log, lines } = lineLogger({ logsDirectory: directory })
      log.info('started')
      expect(readFileSync(join(directory, 'collector-relay-1.log'), 'utf8')).toBe(lines[0])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('memoryLogger', () => {
  test('keeps entries, also of child loggers, oldest first', () => {
    const { log, entries } = memoryLogger()
    log.info({ count: 1 }, 'first')
    log.child({ agent: 'splunk' }).debug('second')
    expect(entries.map(({ level, msg, agent }) => [level, msg, agent])).toEqual([
      ['info', 'first', undefined],
      ['debug', 'second', 'splunk'],
    ])
  })
})
