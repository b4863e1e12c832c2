import { describe, expect, test } from 'vitest'
import { graphAlertsSourceSchema } from './config.ts'
import { cursorKey, decodeState, encodeState } from './cursor.ts'
import { firstPageUrl, nextPageUrl } from './query.ts'

const settings = {
  id: 'contoso',
  type: 'graph-alerts',
  auth: { type: 'oauth', tenantId: 'contoso.example', clientId: 'app', clientSecret: 'secret' },
}
const from = '2026-01-15T12:00:00.1234567Z'
const to = '2026-01-15T12:00:00.1234568Z'

describe('settings', () => {
  test('are few: Graph, Defender for Identity, 30 minutes of overlap', () => {
    expect(graphAlertsSourceSchema.parse(settings)).toMatchObject({
      url: 'https://graph.microsoft.com',
      auth: { scope: 'https://graph.microsoft.com/.default' },
      serviceSources: ['microsoftDefenderForIdentity'],
      alertUpdates: 'first',
      requestsPerMinute: 150,
      overlapMinutes: 30,
      pageSize: 500,
    })
  })

  test.each([
    [{ overlapMinutes: 9 }, /10/],
    [{ pageSize: 501 }, /500/],
    [{ serviceSources: [] }, /1/],
    [{ serviceSources: ["a' or 'b"] }, /microsoftDefenderForIdentity/],
    [{ url: 'http://graph.example' }, /https/],
    [{ auth: { type: 'token', token: 'x' } }, /oauth/],
    [{ skip: 5 }, /skip/],
  ])('%j is refused', (change, problem) => {
    const { error } = graphAlertsSourceSchema.safeParse({ ...settings, ...change })
    expect(error?.message).toMatch(problem)
  })
})

describe('firstPageUrl', () => {
  const query = (url: URL): Readonly<Record<string, string>> => Object.fromEntries(url.searchParams)

  test('asks for a range of lastUpdateDateTime of some products', () => {
    const config = { url: 'https://graph.microsoft.com/', serviceSources: ['a', 'b'] }
    const url = firstPageUrl(config, { from, to }, 500)
    expect(url.href).toMatch(/^https:\/\/graph\.microsoft\.com\/v1\.0\/security\/alerts_v2\?\$filter=[^+ ]+&\$top=500$/)
    expect(query(url)).toEqual({
      $filter: `lastUpdateDateTime ge ${from} and lastUpdateDateTime lt ${to} and (serviceSource eq 'a' or serviceSource eq 'b')`,
      $top: '500',
    })
  })

  test('to the end of the list, and with a path prefix', () => {
    const url = firstPageUrl({ url: 'https://gateway.example/graph', serviceSources: ['a'] }, { from }, 1)
    expect(url.pathname).toBe('/graph/v1.0/security/alerts_v2')
    expect(query(url)).toEqual({ $filter: `lastUpdateDateTime ge ${from} and serviceSource eq 'a'`, $top: '1' })
  })
})

describe('nextPageUrl', () => {
  const config = { url: 'https://graph.microsoft.com', serviceSources: ['a'] }

  test.each([
    'https://graph.microsoft.com/v1.0/security/alerts_v2?$top=5&$skiptoken=abc',
    'https://graph.microsoft.com:443/v1.0/Security/alerts_v2/?$skip=500',
  ])('follows %s', (link) => expect(nextPageUrl(config, link).href).toBe(new URL(link).href))

  test.each([
    'https://evil.example/v1.0/security/alerts_v2?$skiptoken=abc',
    'https://graph.microsoft.com.evil.example/v1.0/security/alerts_v2',
    'https://graph.microsoft.com@evil.example/v1.0/security/alerts_v2',
    'https://user:pass@graph.microsoft.com/v1.0/security/alerts_v2',
    'https://graph.microsoft.com:8443/v1.0/security/alerts_v2',
    'http://graph.microsoft.com/v1.0/security/alerts_v2',
    'https://graph.microsoft.com/v1.0/users?$skiptoken=abc',
    'https://graph.microsoft.com/v1.0/security/alerts_v2/../../users',
    '/v1.0/security/alerts_v2?$skiptoken=abc',
    'not a link',
    `https://graph.microsoft.com/v1.0/security/alerts_v2?${'x'.repeat(40_000)}`,
  ])('refuses %.90s', (link) => {
    expect(() => nextPageUrl(config, link)).toThrow(expect.objectContaining({ code: 'RELAY_SOURCE_RESPONSE' }))
  })
})

describe('state', () => {
  const state = { floor: from, cursor: to, watermarkMs: 5, unread: [{ from, to, sinceMs: 3, tries: 1, retryAtMs: 7 }] }

  test('is read as it was written; what a newer version added is left aside', () => {
    expect(cursorKey).toBe('cursor/alerts')
    expect(decodeState(encodeState(state))).toEqual(state)
    expect(decodeState(Buffer.from(JSON.stringify({ ...state, more: 1 })))).toEqual(state)
    expect(decodeState(undefined)).toEqual({})
  })

  test.each(['', '{', 'null', '{"cursor":"yesterday"}', '{"cursor":"2026-01-15T12:00:00Z"}', '{"unread":[{}]}'])(
    'a damaged one stops the source instead of starting anew: %s',
    (text) => {
      expect(() => decodeState(Buffer.from(text))).toThrow(
        expect.objectContaining({ code: 'RELAY_LOG_CORRUPT', disposition: 'stop' }),
      )
    },
  )
})
