import { describe, expect, test } from 'vitest'
import { sourcesSchema } from './config.ts'
import { durationMs, parseDuration } from './duration.ts'
import { portalUrlOf } from './sources/defender/config.ts'
import { tenantOf } from './sources/settings.ts'

const base = {
  id: 'contoso',
  type: 'defender-for-cloud-apps',
  url: 'https://contoso.us2.portal.cloudappsecurity.com',
  auth: { type: 'token', token: 'canary' },
}

/** Paths and messages of what is wrong. */
function problems(more: Readonly<Record<string, unknown>>): string[] {
  const result = sourcesSchema.safeParse([{ ...base, ...more }])
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

describe('sources of the configuration', () => {
  test('have the defaults of the reference', () => {
    const [source] = sourcesSchema.parse([base])
    expect(source).toMatchObject({
      collect: { alerts: true, activities: true },
      lookback: 'P2D',
      requestsPerMinute: 30,
      pollSeconds: 10,
      alertUpdates: 'first',
      pageSize: 100,
      scan: true,
      scanLimit: 1_000,
      overlap: { settleSeconds: 120, alerts: { wide: 'PT24H', deep: 'P7D' }, activities: { wide: 'PT1H' } },
    })
    expect(JSON.stringify(source)).not.toContain('canary')
    if (source?.type !== 'defender-for-cloud-apps') throw new Error('no source')
    expect(tenantOf(source)).toBe('contoso')
    expect(portalUrlOf({ ...source, url: 'https://x.example/cas' })).toBe('https://x.example')
    expect(portalUrlOf({ ...source, portalUrl: 'https://y.example/' })).toBe('https://y.example')
  })

  test('OAuth asks for Microsoft Cloud App Security unless told otherwise', () => {
    const auth = { type: 'oauth', tenantId: 'contoso.onmicrosoft.com', clientId: 'c', clientSecret: 's' }
    expect(sourcesSchema.parse([{ ...base, auth }])[0]).toMatchObject({
      auth: { scope: '05a65629-4c1b-48c1-a78b-804c4abdd4af/.default' },
    })
  })

  test.each([
    ['an API on this machine may speak http', { url: 'http://127.0.0.1:8080/cas' }],
    ['an address without a scheme is an http proxy', { proxy: 'proxy.example:3128' }],
    ['a proxy may have credentials', { proxy: 'http://user:p%40ss@proxy.example:3128' }],
    ['a test server elsewhere may speak http when told so', { url: 'http://simulator:8090', allowPlainHttp: true }],
    [
      'its token endpoint too, on the same origin',
      {
        url: 'http://simulator:8090',
        allowPlainHttp: true,
        auth: { type: 'oauth', tenantId: 'a', clientId: 'b', clientSecret: 'c', tokenUrl: 'http://simulator:8090/t' },
      },
    ],
    ['a lookback of hours', { lookback: 'PT36H' }],
  ])('%s', (_, more) => expect(problems(more)).toEqual([]))

  test.each([
    ['http elsewhere', { url: 'http://contoso.example' }, /^0\.url: must start with https/],
    ['http elsewhere, told it must not', { url: 'http://contoso.example', allowPlainHttp: false }, /allowPlainHttp/],
    [
      'a token endpoint on http elsewhere, also beside a test server',
      {
        url: 'http://simulator:8090',
        allowPlainHttp: true,
        auth: {
          type: 'oauth',
          tenantId: 'a',
          clientId: 'b',
          clientSecret: 'c',
          tokenUrl: 'http://entra.example/token',
        },
      },
      /^0\.auth\.tokenUrl: must start with https/,
    ],
    ['no URL', { url: 'contoso' }, /^0\.url: must be a URL/],
    ['credentials in the URL', { url: 'https://a:b@contoso.example' }, /^0\.url: must not hold credentials/],
    ['a query', { url: 'https://contoso.example/?a=1' }, /^0\.url: must not have a query/],
    ['a fragment', { url: 'https://contoso.example/#x' }, /^0\.url: must not have a query/],
    ['another scheme', { url: 'file:///etc/passwd' }, /^0\.url: must start with https/],
    [
      'a directory that is a path',
      { auth: { type: 'oauth', tenantId: '../x', clientId: 'c', clientSecret: 's' } },
      /^0\.auth\.tenantId/,
    ],
    [
      'a token endpoint without TLS',
      { auth: { type: 'oauth', tenantId: 't', clientId: 'c', clientSecret: 's', tokenUrl: 'http://x.example' } },
      /^0\.auth\.tokenUrl/,
    ],
    ['no credentials', { auth: { type: 'token' } }, /^0\.auth\.token/],
    ['an unknown way to authorise', { auth: { type: 'basic' } }, /^0\.auth/],
    ['an unknown setting', { porrt: 1 }, /porrt/],
    ['nothing to collect', { collect: { alerts: false, activities: false } }, /^0\.collect: nothing to collect/],
    ['a lookback of months', { lookback: 'P1M' }, /^0\.lookback: must be a duration/],
    ['a lookback of centuries', { lookback: 'P36501D' }, /^0\.lookback/],
    ['a proxy that is a path', { proxy: 'http://proxy/path' }, /^0\.proxy/],
    ['a proxy of another kind', { proxy: 'socks5://proxy' }, /^0\.proxy/],
    ['an id that cannot name a topic', { id: 'Contoso Ltd' }, /^0\.id/],
    ['no requests', { requestsPerMinute: 0 }, /^0\.requestsPerMinute/],
  ])('refuses %s', (_, more, message) => expect(problems(more).join('\n')).toMatch(message))
})

describe('durations', () => {
  test.each([
    ['P2D', 172_800_000],
    ['PT24H', 86_400_000],
    ['P1DT2H3M4S', 93_784_000],
    ['P1W', 604_800_000],
    ['PT0.5S', 500],
  ])('%s', (text, ms) => expect(durationMs(text)).toBe(ms))

  test.each(['', 'P', 'PT', 'P1DT', '2D', 'P1Y', 'P1M', 'PT1H2D', '-P1D', 'P1.5D', 'p1d'])('refuses %s', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  )
})

describe('a discovery intake', () => {
  const base = { id: 'intake', type: 'discovery-intake' }
  const http = { token: '0123456789abcdef' }
  const problemsOf = (more: object): string[] => {
    const result = sourcesSchema.safeParse([{ ...base, ...more }])
    return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  }

  test('has the defaults of the reference, and shows no token', () => {
    const [source] = sourcesSchema.parse([{ ...base, http, directory: { path: '/var/spool/discovery' } }])
    expect(source).toMatchObject({
      http: { listen: '127.0.0.1:9470', maxBodyBytes: 8_388_608, maxRowBytes: 65_536, allowPlainHttp: false },
      directory: { path: '/var/spool/discovery', pattern: '*', pollInterval: 'PT10S', maxRowBytes: 65_536 },
    })
    expect(JSON.stringify(source)).not.toContain(http.token)
  })

  test.each([
    ['by HTTP', { http }],
    ['on an IPv6 loopback', { http: { ...http, listen: '[::1]:9470' } }],
    ['in a directory', { directory: { path: 'inbox', pattern: 'export-*.csv' } }],
    ['on every address with TLS', { http: { ...http, listen: '0.0.0.0:9470', tls: { certFile: 'c', keyFile: 'k' } } }],
    ['on every address behind a proxy', { http: { ...http, listen: '0.0.0.0:9470', allowPlainHttp: true } }],
  ])('takes rows %s', (_, more) => expect(problemsOf(more)).toEqual([]))

  test.each([
    ['neither way in', {}, /^0: nothing to collect: set http or directory$/],
    ['a short token', { http: { token: 'short' } }, /^0\.http\.token: .*16/],
    ['plain HTTP for other machines', { http: { ...http, listen: '0.0.0.0:9470' } }, /^0\.http\.listen: .*set tls/],
    ['an address that is none', { http: { ...http, listen: '9470' } }, /^0\.http\.listen: .*write 127\.0\.0\.1:9470/],
    ['a pattern that leads elsewhere', { directory: { path: 'x', pattern: '../*' } }, /pattern: must be a file name/],
    ['a pattern of two stars', { directory: { path: 'x', pattern: '*a*' } }, /pattern: must be a file name/],
    ['an API budget', { http, requestsPerMinute: 3 }, /requestsPerMinute/],
  ])('is refused with %s', (_, more, expected) => expect(problemsOf(more)).toEqual([expect.stringMatching(expected)]))
})
