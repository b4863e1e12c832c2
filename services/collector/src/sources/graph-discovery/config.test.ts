import { describe, expect, test } from 'vitest'
import { sourcesSchema } from '../../config.ts'

const auth = { type: 'oauth', tenantId: 'contoso.onmicrosoft.com', clientId: 'c', clientSecret: 'canary' }
const base = { id: 'discovery', type: 'graph-discovery', auth }

/** Paths and messages of what is wrong. */
function problems(more: Readonly<Record<string, unknown>>): string[] {
  const result = sourcesSchema.safeParse([{ ...base, ...more }])
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

describe('a graph-discovery source of the configuration', () => {
  test('needs no more than credentials', () => {
    const [source] = sourcesSchema.parse([base])
    expect(source).toMatchObject({
      url: 'https://graph.microsoft.com',
      auth: { scope: 'https://graph.microsoft.com/.default' },
      period: 'P7D',
      pollInterval: 'PT1H',
      requestsPerMinute: 150,
      users: true,
      ipAddresses: true,
      paths: {
        streams: '/beta/security/dataDiscovery/cloudAppDiscovery/uploadedStreams',
        apps: 'microsoft.graph.security.aggregatedAppsDetails',
        users: 'users',
        ipAddresses: 'ipAddresses',
      },
    })
    expect(source).not.toHaveProperty('streams')
    expect(JSON.stringify(source)).not.toContain('canary')
  })

  test.each([
    ['the other forms of the paths', { paths: { apps: 'aggregatedAppsDetails', ipAddresses: 'ipAddress' } }],
    ['a test server on this machine', { url: 'http://127.0.0.1:8080' }],
    ['one elsewhere when told so', { url: 'http://simulator:8090', allowPlainHttp: true }],
    ['a longer window, less often', { period: 'P90D', pollInterval: 'P1D' }],
  ])('takes %s', (_, more) => expect(problems(more)).toEqual([]))

  test.each([
    ['http elsewhere', { url: 'http://graph.example' }, /^0\.url: must start with https/],
    ['a period the API does not have', { period: 'P14D' }, /^0\.period/],
    ['polls without a pause', { pollInterval: 'PT1S' }, /^0\.pollInterval: must be at least PT1M/],
    ['an interval that is none', { pollInterval: 'hourly' }, /^0\.pollInterval: must be a duration/],
    ['an empty list of streams', { streams: [] }, /^0\.streams/],
    ['a path that leads elsewhere', { paths: { apps: '../users' } }, /^0\.paths\.apps: must be one segment/],
    ['a path without its slash', { paths: { streams: 'beta/x' } }, /^0\.paths\.streams: must be a path/],
    ['a legacy token', { auth: { ...auth, type: 'token' } }, /^0\.auth\.type/],
    ['a lookback: the window is its own', { lookback: 'P1D' }, /lookback/],
  ])('refuses %s', (_, more, message) => expect(problems(more)).toEqual([expect.stringMatching(message)]))
})
