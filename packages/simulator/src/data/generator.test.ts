import { describe, expect, test } from 'vitest'
import { createGenerator } from './generator.ts'
import type { ActivityRecord } from './records.ts'

const startMs = 1_760_000_000_000
const hourMs = 3_600_000

function activities(seed: number, count: number): ActivityRecord[] {
  const generator = createGenerator(seed)
  return Array.from({ length: count }, (_, index) => generator.activity(startMs + index))
}

describe('generator', () => {
  test('the same seed gives the same bytes, another seed gives others', () => {
    const bytes = (seed: number): string => JSON.stringify(activities(seed, 200))
    expect(bytes(1)).toBe(bytes(1))
    expect(bytes(1)).not.toBe(bytes(2))
    const alerts = (seed: number): string => JSON.stringify(createGenerator(seed).alert(startMs))
    expect(alerts(9)).toBe(alerts(9))
    const rows = (seed: number): string => JSON.stringify(createGenerator(seed).discovery(startMs))
    expect(rows(9)).toBe(rows(9))
    expect(rows(9)).not.toBe(rows(10))
  })

  test('a discovery row has the 18 columns, and its bytes add up', () => {
    const generator = createGenerator(1)
    const rows = Array.from({ length: 500 }, (_, index) => generator.discovery(startMs + index))
    for (const row of rows) {
      expect(Object.keys(row)).toHaveLength(18)
      expect(row.TotalBytes).toBe(row.UploadedBytes + row.DownloadedBytes)
      expect(row.BlockedEvents).toBeLessThanOrEqual(row.TotalEvents)
    }
    expect(rows.some((row) => row.UserName === null)).toBe(true)
    expect(rows.some((row) => row.IpAddress.includes(':'))).toBe(true)
  })

  test('asking for alerts in between does not change the activities', () => {
    const generator = createGenerator(3)
    const mixed = Array.from({ length: 20 }, (_, index) => {
      generator.alert(startMs)
      return generator.activity(startMs + index)
    })
    expect(mixed).toEqual(activities(3, 20))
  })

  test('ids are unique: <tenant>_<app>_<guid> for activities, 24 hex digits with the time for alerts', () => {
    const ids = activities(1, 5000).map((record) => record._id)
    expect(new Set(ids).size).toBe(5000)
    expect(ids[0]).toMatch(/^\d+_\d+_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    const alert = createGenerator(1).alert(startMs)
    expect(alert._id).toMatch(/^[0-9a-f]{24}$/)
    expect(Number.parseInt(alert._id.slice(0, 8), 16)).toBe(startMs / 1000)
  })

  test('a record has one to three kilobytes, two on average for activities', () => {
    const sizes = activities(1, 2000).map((record) => Buffer.byteLength(JSON.stringify(record)))
    expect(Math.min(...sizes)).toBeGreaterThan(1000)
    expect(Math.max(...sizes)).toBeLessThan(3200)
    const mean = sizes.reduce((sum, size) => sum + size) / sizes.length
    expect(mean).toBeGreaterThan(1200)
    expect(mean).toBeLessThan(2200)
  })

  test('activities show every category, both address families, absent clients, nulls and late records', () => {
    const records = activities(1, 2000)
    const categories = new Set(records.map((record) => record.eventTypeName?.replace('EVENT_CATEGORY_', '')))
    for (const category of [
      'LOGIN',
      'FAILED_LOGIN',
      'LOGOUT',
      'SSO_LOGIN',
      'UPLOAD_FILE',
      'DOWNLOAD_FILE',
      'VIEW_REPORT',
      'DELETE_OBJECT',
      'CREATE_USER',
      'DELETE_USER',
      'RUN_COMMAND',
      'UNSPECIFIED',
    ]) {
      expect(categories, category).toContain(category)
    }
    const clients = records.map((record) => record.device?.clientIP)
    expect(clients.some((client) => client?.includes('.'))).toBe(true)
    expect(clients.some((client) => client?.includes(':'))).toBe(true)
    expect(clients).toContain(null)
    expect(records.some((record) => record.entityData === undefined)).toBe(true)
    expect(records.some((record) => record.entityData === null)).toBe(true)
    expect(records.some((record) => record.entityData?.['1'] === null)).toBe(true)
    expect(records.some((record) => record.user?.userName === undefined)).toBe(true)
    const delays = records.map((record) => (record.created ?? 0) - record.timestamp)
    expect(Math.min(...delays)).toBeGreaterThan(0)
    expect(delays.some((delay) => delay > hourMs)).toBe(true)
    expect(new Set(records.map((record) => record.appId)).size).toBeGreaterThan(5)
  })

  test('texts hold what breaks naive encoders: | = \\ newlines, emoji, other scripts', () => {
    const text = JSON.stringify(
      activities(1, 2000).map((record) => [record.description, record.mainInfo, record.device]),
    )
    for (const part of [
      '|y|',
      'a=b',
      'System32\\\\cmd.exe\\\\',
      'one\\nCEF:0',
      '\\r\\n',
      '💥',
      '山田',
      'عمر',
      '\\u0000',
    ]) {
      expect(text, part).toContain(part)
    }
  })

  test('alerts are built-in, of policies, and copies of identity alerts', () => {
    const generator = createGenerator(1)
    const alerts = Array.from({ length: 500 }, (_, index) => generator.alert(startMs + index))
    const types = new Set(alerts.flatMap((alert) => (alert.entities ?? []).map((entity) => entity.policyType)))
    for (const type of ['AUDIT', 'FILE', 'ANOMALY_DETECTION']) expect(types).toContain(type)
    const identity = alerts.filter((alert) =>
      alert.entities?.some((entity) => entity.type === 'service' && entity.id === 20940),
    )
    expect(identity.length).toBeGreaterThan(0)
    expect(identity.every((alert) => alert.audits === undefined)).toBe(true)
    const roles = identity[0]?.entities?.filter((entity) => entity.type === 'device').map((entity) => entity.entityRole)
    expect(roles).toEqual(['Source', 'Related', 'Related'])
    expect(new Set(alerts.map((alert) => alert.severityValue))).toEqual(new Set([0, 1, 2, 3]))
  })
})
