import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CommandOutcome, runInProcess } from '../testing/terminal.ts'

const alert = {
  _id: 'a1',
  timestamp: 1_700_000_000_000,
  title: 'Impossible travel',
  description: 'from two places',
  severityValue: 2,
  entities: [{ type: 'account', label: 'jane@contoso.com', id: 'jane@contoso.com' }],
}
const low = { ...alert, _id: 'a2', severityValue: 0 }
const config = {
  agents: [
    { id: 'soc', console: true, activities: { enabled: false }, alerts: { filter: { severity: { eq: [1, 2] } } } },
  ],
}

interface Parts {
  readonly put: (name: string, text: string) => void
  readonly get: (name: string) => string
  readonly run: (...args: readonly string[]) => Promise<CommandOutcome>
}

async function withDirectory(work: (parts: Parts) => Promise<void>): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'siem-relay-trying-'))
  try {
    const put = (name: string, text: string): void => writeFileSync(join(cwd, name), text, { mode: 0o600 })
    put('siem-relay.yaml', JSON.stringify(config))
    await work({
      put,
      get: (name) => readFileSync(join(cwd, name), 'utf8'),
      run: (...args) => runInProcess(args, { cwd }),
    })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

describe('siem-relay filter explain', () => {
  test('says of one record which clause decides, and ends with 1 when it is left out', () =>
    withDirectory(async ({ put, run }) => {
      put('record.json', JSON.stringify(low, undefined, 2))
      expect(await run('filter', 'explain', '--agent', 'soc', '--input', 'record.json')).toEqual({
        code: 1,
        out: 'alert a2 is left out\n  FAIL  severity is 0 (low); wanted one of 1 (medium), 2 (high) (decides)\n',
        err: '',
      })
      put('record.json', JSON.stringify(alert))
      const passed = await run('filter', 'explain', '--where', '{"severity": {"eq": [2]}}', '--input', 'record.json')
      expect(passed).toMatchObject({ code: 0, out: expect.stringMatching(/^alert a1 passes\n {2}pass {2}severity /) })
    }))

  test('takes several records, a filter in a file, and gives JSON', () =>
    withDirectory(async ({ put, run }) => {
      put('records.ndjson', `${JSON.stringify(alert)}\n${JSON.stringify(low)}\n`)
      put('filter.json', '{"severity": {"eq": [2]}}')
      const { code, out } = await run(
        ...['filter', 'explain', '--where', '@filter.json', '--input', 'records.ndjson', '--json'],
      )
      expect(code).toBe(1)
      expect(
        out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        { id: 'a1', matches: true },
        { id: 'a2', matches: false, clauses: [{ field: 'severity', decides: true }] },
      ])
    }))

  test.each([
    ['neither agent nor filter', ['--input', 'r.json'], 2, /give one of: --agent/],
    ['an agent that is not there', ['--agent', 'nobody', '--input', 'r.json'], 2, /no agent nobody/],
    [
      'a data type the agent does not take',
      ['--agent', 'soc', '--kind', 'activity', '--input', 'r.json'],
      2,
      /does not take activities/,
    ],
    ['a filter that is no JSON', ['--where', '{', '--input', 'r.json'], 2, /--where is no filter/],
    ['a filter over unknown fields', ['--where', '{"bogus":{"eq":[1]}}', '--input', 'r.json'], 78, /bogus/],
    ['a file that is not there', ['--agent', 'soc', '--input', 'none.json'], 2, /cannot read none\.json/],
    ['what is no record', ['--agent', 'soc', '--input', 'text'], 1, /not JSON/],
  ])('refuses %s', (_, args, code, message) =>
    withDirectory(async ({ put, run }) => {
      put('r.json', JSON.stringify(alert))
      put('text', 'text\n')
      const result = await run('filter', 'explain', ...args)
      expect(result.err).toMatch(message)
      expect(result.code).toBe(code)
    }),
  )
})

const line =
  '<109>2023-11-14T22:13:20.000Z relay.example CEF:0|MCAS|SIEM_Agent|test|ALERT_CABINET_EVENT_MATCH_AUDIT|Impossible travel|10|'

describe('siem-relay test', () => {
  test('writes what comes with --update, keeps comments, and is satisfied then, on every machine', () =>
    withDirectory(async ({ put, get, run }) => {
      put(
        'siem-relay.test.yaml',
        [
          '# what our SIEM relies on',
          'agent: soc',
          'tests:',
          '  - name: high ones go out # severity 2',
          `    record: ${JSON.stringify(alert)}`,
          '  - name: low ones do not',
          '    recordFile: low.json',
          '  - record: no JSON',
          '    kind: alert',
          '',
        ].join('\n'),
      )
      put('low.json', JSON.stringify(low))
      const before = await run('test')
      expect(before.code).toBe(1)
      expect(before.out).toMatch(/3 tests: 0 ok, 3 failed\n$/)
      expect(before.out).toContain('    - nothing is expected: --update writes what comes\n')
      expect(await run('test', '--update')).toMatchObject({ code: 0, out: expect.stringMatching(/0 ok, 3 updated\n$/) })
      const text = get('siem-relay.test.yaml')
      expect(text).toContain('# what our SIEM relies on\n')
      expect(text).toContain('name: high ones go out # severity 2')
      expect(text).toMatch(/ relay\.example CEF:0\|MCAS\|SIEM_Agent\|test\|/)
      expect(text).toContain('leftOut: filter')
      expect(text).toContain('deadLetter: the record is not JSON')
      expect(await run('test')).toMatchObject({ code: 0, err: '' })
    }))

  test('shows the fields that differ, not two walls of text', () =>
    withDirectory(async ({ put, run }) => {
      put('t.json', JSON.stringify({ agent: 'soc', tests: [{ name: 'x', record: alert, line: '' }] }))
      await run('test', 't.json', '--update')
      put('siem-relay.yaml', JSON.stringify({ agents: [{ ...config.agents[0], severity: { high: 9 } }] }))
      const { code, out } = await run('test', 't.json')
      expect(code).toBe(1)
      expect(out).toBe('t.json\n  FAILED   x\n    - severity: 10\n    + severity: 9\n\n1 test: 0 ok, 1 failed\n')
      const json = JSON.parse((await run('test', 't.json', '--json')).out)
      expect(json).toMatchObject([{ path: 't.json', results: [{ name: 'x', isOk: false }] }])
    }))

  test('says what became of a record instead', () =>
    withDirectory(async ({ put, run }) => {
      put('t.yaml', `agent: soc\ntests:\n  - record: ${JSON.stringify(low)}\n    line: ${JSON.stringify(line)}\n`)
      expect((await run('test', 't.yaml')).out).toBe(
        `t.yaml\n  FAILED   test 1\n    - ${line}\n    + left out: filter\n\n1 test: 0 ok, 1 failed\n`,
      )
    }))

  test.each([
    ['no tests', 'tests: []', /tests: /],
    ['an unknown key', 'tests: [{record: 1, lines: x}]', /lines/],
    ['two expectations', 'tests: [{record: 1, line: x, leftOut: filter}]', /give one of: line, leftOut, deadLetter/],
    ['no record', 'tests: [{line: x}]', /give either record or recordFile/],
    ['no agent', 'tests: [{record: 1, line: x}]', /names no agent/],
    ['an agent that is not there', 'agent: nobody\ntests: [{record: 1, line: x}]', /no agent nobody/],
    ['no YAML', 'tests: [', /t\.yaml: /],
    ['a record file that is not there', 'agent: soc\ntests: [{recordFile: none.json}]', /cannot read .*none\.json/],
  ])('refuses a file with %s', (_, text, message) =>
    withDirectory(async ({ put, run }) => {
      put('t.yaml', text)
      const { code, err } = await run('test', 't.yaml')
      expect(err).toMatch(message)
      expect(code).toBe(2)
    }),
  )
})
