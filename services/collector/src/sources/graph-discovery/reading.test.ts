import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readApp, readName, readStream, shortened } from './reading.ts'

describe('an app of the API', () => {
  test('is read with everything the reference names', () => {
    expect(
      readApp({
        '@odata.type': '#microsoft.graph.security.discoveredCloudAppDetail',
        id: '15600',
        displayName: 'Microsoft OneDrive for Business',
        category: 'cloudStorage',
        domains: ['onedrive.example'],
        tags: ['Sanctioned', 'own'],
        riskScore: 10,
        transactionCount: 122,
        uploadNetworkTrafficInBytes: 1_514_874,
        downloadNetworkTrafficInBytes: '2552911',
        userCount: 3,
        ipAddressCount: 2,
        lastSeenDateTime: '2026-01-15T11:00:35.858Z',
      }),
    ).toEqual({
      id: '15600',
      name: 'Microsoft OneDrive for Business',
      category: 'Cloud storage',
      tags: ['Sanctioned', 'own'],
      score: 10,
      counts: { TotalEvents: 122, UploadedBytes: 1_514_874, DownloadedBytes: 2_552_911 },
      sizes: { users: 3, ipAddresses: 2 },
      lastSeenMs: Date.UTC(2026, 0, 15, 11, 0, 35, 858),
    })
  })

  test('with nulls and nonsense in every other field is an app of which nothing is known', () => {
    const nothing = {
      name: '7',
      category: '',
      tags: [],
      score: undefined,
      counts: {},
      sizes: {},
      lastSeenMs: undefined,
    }
    for (const value of [null, undefined, {}, [], true, '', -1, 1.5, 1e300, 'NaN'])
      expect(
        readApp({
          id: '7',
          displayName: typeof value === 'object' ? value : null,
          category: typeof value === 'object' ? value : null,
          tags: Array.isArray(value) ? value : null,
          riskScore: value,
          transactionCount: value,
          uploadNetworkTrafficInBytes: value,
          downloadNetworkTrafficInBytes: value,
          userCount: value,
          ipAddressCount: value,
          lastSeenDateTime: value,
        }),
      ).toEqual({ id: '7', ...nothing })
  })

  test.each([[null], [7], [''], ['.'], ['..'], ['x'.repeat(201)], [{}]])(
    'needs an id that can stand in a path: %j',
    (id) => {
      expect(readApp({ id })).toBeUndefined()
      expect(readStream({ id })).toBeUndefined()
    },
  )

  test('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (item) => {
        readApp(item)
        readStream(item)
        readName('users', item)
        readApp({ id: 'a', tags: item, displayName: item, lastSeenDateTime: item })
      }),
    )
  })
})

test.each([
  ['cloudStorage', 'Cloud storage'],
  ['newsAndEntertainment', 'News and entertainment'],
  ['webemail', 'Webemail'],
  ['eCommerce', 'E-commerce'],
  ['generativeAi', 'Generative AI'],
  ['Cloud storage', 'Cloud storage'],
  ['x\r\ny', 'x\r\ny'],
])("the category %j is called %j, as in Microsoft's table", (category, name) => {
  expect(readApp({ id: '1', category })?.category).toBe(name)
})

test('a stream without a name is called by its id', () => {
  expect(readStream({ id: 's1', displayName: null })).toEqual({ id: 's1', name: 's1' })
})

test('names are where each list has them', () => {
  expect(readName('users', { userIdentifier: 'a@contoso.example' })).toBe('a@contoso.example')
  expect(readName('ipAddresses', { ipAddress: '10.0.0.1' })).toBe('10.0.0.1')
  for (const item of [null, {}, { userIdentifier: null }, 'text']) expect(readName('users', item)).toBe('')
})

test('a text is shortened between characters', () => {
  const text = `${'x'.repeat(1_022)}😀😀`
  expect(shortened(text)).toBe(`${'x'.repeat(1_022)}…`)
  expect(shortened('x'.repeat(1_024))).toBe('x'.repeat(1_024))
})
