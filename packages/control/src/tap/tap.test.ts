import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteBus } from '@siem-relay/bus'
import { agentSchema, rawKinds, rawTopic } from '@siem-relay/common'
import { systemClock } from '@siem-relay/service-kit'
import { describe, expect, test } from 'vitest'
import { LocalControl } from '../local.ts'
import type { TapItem, TapRequest } from './shapes.ts'

const config = {
  sources: [
    { id: 'contoso', type: 'defender-for-cloud-apps' },
    { id: 'fabrikam', type: 'defender-for-cloud-apps' },
  ],
  agents: [
    { id: 'soc', console: true },
    { id: 'lab', console: true, tenants: ['fabrikam'], activities: { enabled: false } },
  ].map((agent) => agentSchema.parse(agent)),
}

interface Parts {
  readonly control: LocalControl
  put(topic: string, values: readonly (string | object)[], headers?: Record<string, string>): Promise<void>
  /** Takes what comes after `work` until there is enough. */
  tapped(request: TapRequest, count: number, work: () => Promise<void>): Promise<readonly TapItem[]>
}

async function withTap(work: (parts: Parts) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'siem-relay-tap-'))
  try {
    await using bus = await openSqliteBus({ path, clock: systemClock, freeBytesMin: 1_000_000 })
    await bus.ensureTopics(['contoso', 'fabrikam'].flatMap((tenant) => rawKinds.map((kind) => rawTopic(tenant, kind))))
    const control = new LocalControl({
      bus,
      clock: systemClock,
      config: () => config,
      version: '1',
      hostName: 'relay-1',
    })
    await work({
      control,
      put: async (topic, values, headers = {}) => {
        await using writer = await bus.writer('test')
        await writer.commit({
          records: values.map((value, n) => ({
            topic,
            key: `k${n}`,
            value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
            headers,
          })),
        })
      },
      tapped: async (request, count, then) => {
        const items: TapItem[] = []
        for await (const item of control.tap({ limit: count, ...request })) {
          items.push(item)
          if (item.type === 'started') await then()
        }
        return items.slice(1)
      },
    })
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

describe('a tap', () => {
  test('shows what comes in from its start on, masked, and ends at its limit', () =>
    withTap(async ({ put, tapped }) => {
      const items = await tapped({ stage: 'out', agent: 'soc', limit: 2 }, 2, () =>
        put('out.soc', ['CEF:0|a|b|c|d|e|3|suser=jane@contoso.com', 'CEF:0|a|b|c|d|e|3|suser=jane@contoso.com']),
      )
      expect(items).toHaveLength(2)
      expect(items[0]).toMatchObject({
        type: 'record',
        topic: 'out.soc',
        isCut: false,
        value: expect.stringMatching(/suser=mail-[0-9a-f]{6}$/),
      })
    }))

  test('shows names as they are when asked to', () =>
    withTap(async ({ put, tapped }) => {
      const line = 'CEF:0|a|b|c|d|e|3|suser=jane@contoso.com'
      const items = await tapped({ stage: 'out', unmasked: true }, 1, () => put('out.lab', [line]))
      expect(items).toMatchObject([{ topic: 'out.lab', value: line }])
    }))

  test('takes raw records of the tenant and data type asked for, that a filter lets through', () =>
    withTap(async ({ put, tapped }) => {
      const items = await tapped({ stage: 'raw', tenant: 'contoso', where: { severity: { eq: [2] } } }, 2, async () => {
        await put('raw.fabrikam.alerts', [{ _id: 'other', severityValue: 2 }])
        await put('raw.contoso.alerts', [{ _id: 'a', severityValue: 0 }, { _id: 'b', severityValue: 2 }, 'no JSON'])
        await put('raw.contoso.activities', [{ _id: 'c' }])
        await put('raw.contoso.alerts', [{ _id: 'd', severityValue: 2 }])
      })
      expect(items.map((item) => item.type === 'record' && JSON.parse(item.value)._id)).toEqual(['b', 'd'])
    }))

  test('takes discards and dead letters of the agent asked for', () =>
    withTap(async ({ put, tapped }) => {
      const items = await tapped({ stage: 'dead-letters', agent: 'soc' }, 1, async () => {
        await put('dead-letters', ['{"a":1}'], { agent: 'lab', reason: 'no' })
        await put('dead-letters', ['{"a":2}'], { agent: 'soc', reason: 'of jane@contoso.com' })
      })
      expect(items).toMatchObject([
        { value: '{"a":2}', headers: { reason: expect.stringMatching(/^of mail-[0-9a-f]{6}$/) } },
      ])
    }))

  test('says how many it left out when more comes than it can show', () =>
    withTap(async ({ put, tapped }) => {
      const items = await tapped({ stage: 'raw', kind: 'alerts', tenant: 'contoso' }, 1_000, () =>
        put(
          'raw.contoso.alerts',
          Array.from({ length: 1_500 }, (_, n) => ({ n })),
        ),
      )
      expect(items[0]).toEqual({ type: 'skipped', records: 500 })
      expect(items.slice(1)).toHaveLength(1_000)
    }))

  test('ends when it is told to, also while nothing comes', () =>
    withTap(async ({ control }) => {
      const leaving = new AbortController()
      const seen: string[] = []
      for await (const item of control.tap({ stage: 'raw' }, leaving.signal)) {
        seen.push(item.type)
        setImmediate(() => leaving.abort())
      }
      expect(seen).toEqual(['started'])
    }))

  test.each([
    ['an agent that is not there', { stage: 'out', agent: 'nobody' }, /no agent nobody; it has: soc, lab/],
    ['a filter over lines', { stage: 'out', where: { severity: { eq: [2] } } }, /judges raw records/],
    ['a filter no data type has', { stage: 'raw', where: { bogus: { eq: [2] } } }, /cannot be used: bogus/],
    ['a data type the agent does not take', { stage: 'raw', agent: 'lab', kind: 'activities' }, /nothing of that kind/],
  ] as const)('refuses %s', (_, request, reason) =>
    withTap(async ({ control }) => {
      await expect(Array.fromAsync(control.tap(request as TapRequest))).rejects.toThrow(reason)
    }),
  )
})

describe('a preview', () => {
  const alert = { _id: 'a1', timestamp: 1_700_000_000_000, title: 'Impossible travel', severityValue: 2 }

  test('judges the last records of the log for an agent of the configuration', () =>
    withTap(async ({ control, put }) => {
      await put('raw.contoso.alerts', [{ ...alert, _id: 'old' }, alert, 'no JSON'])
      const previewed = await control.preview({ agent: 'soc', limit: 2 })
      expect(previewed).toMatchObject([
        {
          kind: 'alert',
          outcome: 'sent',
          record: JSON.stringify(alert),
          line: expect.stringMatching(/ relay-1 CEF:0\|/),
        },
        { kind: 'alert', outcome: 'dead letter', reason: expect.stringMatching(/not JSON/) },
      ])
    }))

  test('judges records it is given for a definition that is only being written, and says which clause decided', () =>
    withTap(async ({ control }) => {
      const [previewed] = await control.preview({
        agent: { id: 'draft', console: true, alerts: { filter: { severity: { eq: [0] } } } },
        records: [{ kind: 'alert', body: JSON.stringify(alert) }],
        explain: true,
      })
      expect(previewed).toMatchObject({
        outcome: 'left out',
        reason: 'filter',
        explanation: { matches: false, clauses: [{ field: 'severity', passed: false, decides: true }] },
      })
    }))

  test('names what is wrong with a definition, and an agent that is not there', () =>
    withTap(async ({ control }) => {
      await expect(control.preview({ agent: { id: 'draft', alerts: { filter: { bogus: {} } } } })).rejects.toThrow(
        /alerts\.filter\.bogus/,
      )
      await expect(control.preview({ agent: 'nobody' })).rejects.toThrow(/no agent nobody/)
    }))
})
