import type { BusRecord } from '@siem-relay/bus'
import { agentSchema, parseCef, rawHeaders } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { openPartition } from './partition.ts'

const activity = (id: string, fields: object = {}): object => ({
  _id: id,
  timestamp: 1_700_000_000_000,
  eventTypeName: 'EVENT_CATEGORY_LOGOUT',
  description: 'Log out',
  appName: 'ServiceNow',
  appId: 14509,
  user: { userName: 'admin@contoso.com' },
  device: { clientIP: '13.82.149.151' },
  mainInfo: { eventObjects: [{ name: 'a' }, { name: '' }] },
  ...fields,
})

const record = (offset: number, key: string, body: unknown, headers: Record<string, string> = {}): BusRecord => ({
  topic: 'raw.contoso.activities',
  partition: 1,
  offset,
  key,
  value: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  headers: {
    [rawHeaders.tenant]: 'contoso',
    [rawHeaders.source]: 'contoso',
    [rawHeaders.portalUrl]: 'https://contoso.portal.cloudappsecurity.com',
    [rawHeaders.receivedMs]: '1700000009000',
    ...headers,
  },
  appendedMs: 1_700_000_010_000,
})

const counted: unknown[] = []
const open = (agent: object = {}, state: ReadonlyMap<string, Buffer> = new Map(), topic = 'raw.contoso.activities') =>
  openPartition(
    { topic, partition: 1, state },
    {
      agent: agentSchema.parse({ id: 'siem', console: true, ...agent }),
      defaultVersion: '1.0.0',
      bytesMax: 8_000,
      nowMs: () => 1_700_000_020_000,
      count: (kind, counts) => counted.push({ kind, ...counts }),
    },
  )
const text = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString()

describe('a formatter partition', () => {
  test('turns an activity into the line the SIEM agent wrote, with what its sender needs in headers', () => {
    const { records } = open().process([record(7, 'a1', activity('a1'))])
    expect(records).toHaveLength(1)
    expect(text(records[0]?.value)).toBe(
      'CEF:0|MCAS|SIEM_Agent|1.0.0|EVENT_CATEGORY_LOGOUT|Log out|0|externalId=a1 rt=1700000000000 start=1700000000000 end=1700000000000 msg=Log out suser=admin@contoso.com destinationServiceName=ServiceNow dvc=13.82.149.151 requestClientApplication= cs1Label=portalURL cs1=https://contoso.portal.cloudappsecurity.com/#/audits?activity.id\\=eq(a1,) cs2Label=uniqueServiceAppIds cs2=APPID_SERVICENOW cs3Label=targetObjects cs3=a, cs4Label=policyIDs cs4= c6a1Label="Device IPv6 Address" c6a1=',
    )
    expect(records[0]).toMatchObject({
      topic: 'out.siem',
      key: 'a1',
      headers: {
        'event-time-ms': '1700000000000',
        'received-ms': '1700000009000',
        kind: 'activity',
        source: 'contoso',
        severity: '0',
      },
    })
  })

  test('drops a repeated record id within a batch, in a later batch, and after a restart from committed state', () => {
    const first = open()
    const within = first.process([record(1, 'a1', activity('a1')), record(2, 'a1', activity('a1'))])
    expect(within.records.map((each) => each.topic)).toEqual(['out.siem', 'discarded'])
    first.committed?.()
    expect(first.process([record(3, 'a1', activity('a1'))]).records.map((each) => each.topic)).toEqual(['discarded'])
    const state = new Map(
      (within.state ?? []).flatMap(({ key, value }) => (value === null ? [] : [[key, Buffer.from(value)]])),
    )
    const repeat = open({}, state).process([record(4, 'a1', activity('a1'))]).records
    expect(repeat).toMatchObject([
      { topic: 'discarded', key: 'a1', headers: { reason: 'repeat', agent: 'siem', 'origin-offset': '4' } },
    ])
  })

  test('a new version of an id is not a repeat', () => {
    const { records } = open().process([
      record(1, 'a1', activity('a1'), { version: '1' }),
      record(2, 'a1', activity('a1'), { version: '2' }),
    ])
    expect(records.map((each) => each.topic)).toEqual(['out.siem', 'out.siem'])
  })

  test('a filtered record leaves no message and is not remembered: a copy that passes later still goes out', () => {
    const filtered = { activities: { filter: { service: { eq: [11161] } } } }
    const stage = open(filtered)
    expect(stage.process([record(1, 'a1', activity('a1'))]).records).toEqual([])
    stage.committed?.()
    expect(
      stage.process([record(2, 'a1', activity('a1', { appId: 11161 }))]).records.map((each) => each.topic),
    ).toEqual(['out.siem'])
  })

  test.each([
    ['not JSON', '{"_id": "x"', /not JSON/],
    ['no id', { timestamp: 1 }, /no _id/],
    ['an array', '[1]', /no _id/],
  ])('%s goes to dead-letters with its bytes and reason, and the rest of the batch goes on', (_, body, reason) => {
    const { records } = open().process([record(1, 'bad', body), record(2, 'good', activity('good'))])
    expect(records.map((each) => each.topic)).toEqual(['dead-letters', 'out.siem'])
    expect(text(records[0]?.value)).toBe(typeof body === 'string' ? body : JSON.stringify(body))
    expect(records[0]?.headers).toMatchObject({
      code: 'RELAY_RECORD_INVALID',
      stage: 'formatter',
      'origin-topic': 'raw.contoso.activities',
      'origin-partition': '1',
      // Its envelope, so that it can be formatted again when the raw record has expired.
      ...record(1, 'bad', body).headers,
    })
    expect(records[0]?.headers.reason).toMatch(reason)
  })

  test('a replay writes messages to its own topic, drops repeats, and leaves discards and dead letters where they are', () => {
    const replay = openPartition(
      { topic: 'raw.contoso.activities', partition: 1, state: new Map() },
      {
        agent: agentSchema.parse({ id: 'siem', console: true }),
        defaultVersion: '1.0.0',
        bytesMax: 8_000,
        nowMs: () => 0,
        count: (kind, counts) => counted.push({ kind, ...counts }),
        replayTopic: 'replay.r1',
      },
    )
    counted.length = 0
    const { records } = replay.process([
      record(1, 'a', activity('a')),
      record(2, 'a', activity('a')),
      record(3, 'b', '['),
    ])
    replay.committed?.()
    expect(records.map((each) => each.topic)).toEqual(['replay.r1'])
    expect(counted).toMatchObject([{ received: 3, formatted: 1, repeated: 1 }])
  })

  test('a record without a usable time takes the time it was received, and its line has no 1970 in it', () => {
    const { records } = open().process([record(1, 'a1', activity('a1', { timestamp: 0 }))])
    expect(records[0]?.headers['event-time-ms']).toBe('1700000009000')
    expect(parseCef(text(records[0]?.value)).extension.get('rt')).toBe('')
  })

  test('counts a batch once it is durable: received = formatted + filtered + repeated + duplicates + dead-lettered', () => {
    counted.length = 0
    const stage = open({ activities: { filter: { service: { eq: [14509] } } } })
    stage.process([
      record(1, 'a', activity('a')),
      record(2, 'a', activity('a')),
      record(3, 'b', '['),
      record(4, 'c', activity('c', { appId: 1 })),
    ])
    expect(counted).toEqual([])
    stage.committed?.()
    expect(counted).toEqual([
      {
        kind: 'activity',
        received: 4,
        formatted: 1,
        filtered: 1,
        repeated: 1,
        duplicates: 0,
        deadLettered: new Map([['RELAY_RECORD_INVALID', 1]]),
        shortened: 0,
        filterErrors: 0,
      },
    ])
  })

  test('an alert that two sources bring is taken from the first, whatever versions the other has', () => {
    const id = '603f704aaf7417985bbf3b22'
    const alert = (key: string, source: string, version?: string): BusRecord => ({
      ...record(
        1,
        key,
        { _id: key, title: 't', timestamp: 1_700_000_000_000 },
        {
          [rawHeaders.source]: source,
          ...(version === undefined ? {} : { [rawHeaders.version]: version }),
        },
      ),
      topic: 'raw.contoso.alerts',
    })
    const stage = open({}, new Map(), 'raw.contoso.alerts')
    const { records } = stage.process([
      alert(id, 'rest', '1'),
      alert(`ca${id}`, 'xdr'),
      alert(`ca${id}`, 'xdr', '2026-01-15T00:00:00.0000000Z'),
      alert(id, 'rest', '2'),
      alert(id, 'rest', '1'),
      alert(id, 'rest', '2'),
    ])
    expect(records.map(({ topic, key }) => `${topic} ${key}`)).toEqual([
      `out.siem ${id}`,
      `discarded ca${id}`,
      `discarded ca${id}`,
      `out.siem ${id}`,
      `discarded ${id}`,
      `discarded ${id}`,
    ])
  })
})
