/** Discovery rows handed in by HTTP and in a file, as they arrive at a receiver. The rows are those of the page for users. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { discoveryColumns } from '@siem-relay/common'
import { expect, test, vi } from 'vitest'
import { tcpReceiver } from '../support/receivers.ts'
import { startTestRelay, temporaryDirectory } from '../support/relay.ts'

const token = 'canary-token-0123456789'
const page = readFileSync(join(import.meta.dirname, '../../docs/using/discovery-intake.md'), 'utf8')
const example = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([^\`]+)\`\`\``).exec(page)?.[1] ?? `no example of ${language}`
const types = { ndjson: 'application/x-ndjson', json: 'application/json', csv: 'text/csv' } as const

test('rows by HTTP and from a file arrive once each, in the 18 columns', { timeout: 60_000 }, async () => {
  using directory = temporaryDirectory()
  await using receiver = await tcpReceiver('octet-counting')
  const inbox = join(directory.path, 'inbox')
  mkdirSync(inbox)
  await using relay = await startTestRelay(join(directory.path, 'log'), {
    sources: [
      {
        id: 'intake',
        tenant: 'contoso',
        type: 'discovery-intake',
        http: { listen: '127.0.0.1:0', token },
        directory: { path: inbox, pollInterval: 'PT0.1S' },
      },
    ],
    agents: [
      {
        id: 'soc',
        syslog: { host: '127.0.0.1', port: receiver.port, framing: 'octet-counting', checkpointSeconds: 0.2 },
        discovery: { enabled: true, output: 'json' },
      },
    ],
  })
  const url = await vi.waitFor(
    () => {
      const listens = relay.entries.find(({ msg }) => msg === 'intake listens')
      expect(listens).toBeDefined()
      return String(listens?.url)
    },
    { timeout: 20_000 },
  )

  for (const [language, type] of Object.entries(types)) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type }
    const answer = await fetch(url, { method: 'POST', headers, body: example(language) })
    const accepted = language === 'csv' ? 1 : 2
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { accepted, repeated: 0, rejected: [], rejectedTotal: 0 },
    ])
  }
  writeFileSync(join(inbox, 'again.ndjson'), example('ndjson'))
  writeFileSync(join(inbox, 'last.csv'), 'TimeGenerated,AppName\n2019-07-23T11:00:40Z,Last\n')
  await receiver.until((messages) => messages.some((message) => message.includes('"AppName":"Last"')))

  const rows = receiver.messages.map((message) => JSON.parse(message.slice(message.indexOf('{'))))
  expect(rows.map((row) => row.TimeGenerated).toSorted()).toEqual(
    ['35.858', '36.000', '37.000', '38.000', '39.000', '40.000'].map((seconds) => `2019-07-23T11:00:${seconds}Z`),
  )
  for (const row of rows) expect(Object.keys(row)).toEqual([...discoveryColumns, 'RecordId'])
  expect(rows.find((row) => row.StreamName?.includes('EMEA'))).toMatchObject({
    StreamName: 'Marketing "EMEA", Berlin',
    UploadedBytes: 1_514_874,
    AppTags: ['sanctioned'],
    AppScore: 10,
  })
  expect(JSON.stringify(relay.entries)).not.toContain(token)
})
