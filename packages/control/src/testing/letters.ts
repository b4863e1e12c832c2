/** A log with dead letters as the sender and the formatter write them, and the control that is asked about them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NewRecord, openSqliteBus, type SqliteBus } from '@siem-relay/bus'
import { agentSchema, deadLettersTopic, letterHeaders } from '@siem-relay/common'
import { FakeClock } from '@siem-relay/service-kit/testing'
import { LocalControl } from '../local.ts'

interface Parts {
  readonly bus: SqliteBus
  readonly clock: FakeClock
  readonly control: LocalControl
  put(...letters: readonly Letter[]): Promise<void>
}

interface Letter {
  readonly key: string
  readonly value?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** A message the sender could not deliver. */
export const ofSender = (key: string, headers: Record<string, string> = {}): Letter => ({
  key,
  value: `CEF:0|${key}`,
  headers: {
    kind: 'alert',
    severity: '5',
    'event-time-ms': '1',
    source: 'contoso',
    [letterHeaders.stage]: 'syslog-sender',
    [letterHeaders.agent]: 'soc',
    [letterHeaders.code]: 'RELAY_FRAME_TOO_LARGE',
    [letterHeaders.reason]: 'too large',
    [letterHeaders.attempts]: '1',
    [letterHeaders.topic]: 'out.soc',
    [letterHeaders.partition]: '3',
    [letterHeaders.offset]: '17',
    ...headers,
  },
})

/** A record the formatter could not make a message of. */
export const ofFormatter = (key: string, value: string, headers: Record<string, string> = {}): Letter => ({
  key,
  value,
  headers: {
    source: 'contoso',
    tenant: 'contoso',
    kind: 'alerts',
    'received-ms': '1700000000000',
    'portal-url': 'https://contoso.portal.cloudappsecurity.com',
    [letterHeaders.stage]: 'formatter',
    [letterHeaders.agent]: 'soc',
    [letterHeaders.code]: 'RELAY_RECORD_INVALID',
    [letterHeaders.reason]: 'the record is not JSON',
    [letterHeaders.topic]: 'raw.contoso.alerts',
    [letterHeaders.partition]: '0',
    [letterHeaders.offset]: '5',
    ...headers,
  },
})

export const config = {
  sources: [{ id: 'contoso', type: 'defender-for-cloud-apps' }],
  agents: [
    { id: 'soc', console: true },
    { id: 'other', console: true, alerts: { filter: { severity: { eq: [0] } } } },
  ].map((agent) => agentSchema.parse(agent)),
}

export async function withLetters(work: (parts: Parts) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-letters-'))
  const clock = new FakeClock()
  try {
    await using bus = await openSqliteBus({ path, clock, freeBytesMin: 1_000_000 })
    await bus.ensureTopics([deadLettersTopic])
    const control = new LocalControl({ bus, clock, config: () => config, version: '1.2.3', hostName: 'relay-1' })
    const put = async (...letters: readonly Letter[]): Promise<void> => {
      await using writer = await bus.writer('test')
      for (const { key, value = '', headers = {} } of letters) {
        const record: NewRecord = { topic: deadLettersTopic.name, key, value: Buffer.from(value), headers }
        await writer.commit({ records: [record] })
        await clock.advance(1_000)
      }
    }
    await work({ bus, clock, control, put })
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}
