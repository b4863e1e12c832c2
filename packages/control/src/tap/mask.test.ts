import { describe, expect, test } from 'vitest'
import { createMasker } from './mask.ts'

const masker = createMasker(Buffer.alloc(32, 7))
const secrets = [
  'jane.doe@contoso.com',
  'Jane Doe',
  'jdoe',
  '203.0.113.77',
  '2001:db8::17',
  'S-1-5-21-1004',
  'LAPTOP-JANE',
]

/** None of what tells of a person is left. */
function expectMasked(masked: string): void {
  for (const secret of secrets) expect(masked.toLowerCase()).not.toContain(secret.toLowerCase())
}

describe('a masked record', () => {
  test('of Defender for Cloud Apps has no person and no address in it, and keeps what is nobody’s', () => {
    const masked = masker.record(
      JSON.stringify({
        _id: '596a7e36',
        title: 'Impossible travel activity by Jane Doe',
        description: 'The user Jane Doe (jane.doe@contoso.com) signed in from 203.0.113.77',
        severityValue: 2,
        entities: [
          { type: 'account', label: 'Jane Doe', id: 'jane.doe@contoso.com', pa: 'jane.doe@contoso.com', saas: 11161 },
          { type: 'ip', label: '203.0.113.77', id: '203.0.113.77' },
          { type: 'service', label: 'Microsoft Exchange Online', id: 20893 },
          { type: 'policyRule', label: 'Impossible travel', id: '59f0ab82' },
        ],
      }),
    )
    expectMasked(masked)
    expect(JSON.parse(masked)).toMatchObject({
      _id: '596a7e36',
      title: expect.stringMatching(/^Impossible travel activity by user-[0-9a-f]{6}$/),
      severityValue: 2,
      entities: [{}, {}, { label: 'Microsoft Exchange Online' }, { label: 'Impossible travel', id: '59f0ab82' }],
    })
  })

  test('of an activity has none in nested objects, and in JSON that stands in a text', () => {
    const masked = masker.record(
      JSON.stringify({
        _id: '1_11161_x',
        ActionType: 'FileDownloaded',
        Application: 'Microsoft SharePoint Online',
        AccountDisplayName: 'Jane Doe',
        IPAddress: '2001:db8::17',
        UserAgent: 'Mozilla/5.0',
        ActivityObjects: [
          { Type: 'User', Name: 'jdoe', Id: 'S-1-5-21-1004' },
          { Type: 'Service', Name: 'SharePoint' },
        ],
        RawEventData: JSON.stringify({
          UserId: 'jane.doe@contoso.com',
          ClientIP: '[2001:db8::17]:443',
          Note: 'of jdoe',
        }),
        resolvedActor: { objType: 23, name: 'Jane Doe', id: 'jdoe', appId: '11161' },
        device: { clientIP: '203.0.113.77', deviceName: 'LAPTOP-JANE' },
      }),
    )
    expectMasked(masked)
    expect(masked).toContain('1_11161_x')
    expect(JSON.parse(masked)).toMatchObject({
      ActionType: 'FileDownloaded',
      Application: 'Microsoft SharePoint Online',
      UserAgent: 'Mozilla/5.0',
      ActivityObjects: [{}, { Name: 'SharePoint' }],
    })
  })

  test('of Graph has none in its evidence', () =>
    expectMasked(
      masker.record(
        JSON.stringify({
          id: 'x',
          evidence: [
            {
              '@odata.type': '#microsoft.graph.security.userEvidence',
              userAccount: { displayName: 'Jane Doe', accountName: 'jdoe', userSid: 'S-1-5-21-1004' },
            },
            { deviceDnsName: 'LAPTOP-JANE', hostName: 'LAPTOP-JANE' },
            { ipAddress: '203.0.113.77' },
          ],
        }),
      ),
    ))

  test('of CEF has none in its fields, its text and its name; the other fields stay byte for byte', () => {
    const masked = masker.record(
      'CEF:0|MCAS|SIEM_Agent|1.0|EVENT|by jane.doe@contoso.com \\| x|0|externalId=a\\=1 start=1 msg=Jane Doe did it suser=jane.doe@contoso.com dvc=203.0.113.77 src=203.0.113.77 cs1Label=portalURL cs1=https://contoso/?ip\\=203.0.113.77 cs3Label=targetObjects cs3=Jane Doe,jdoe c6a1="" c6a1Label="Device IPv6 Address" c6a1=2001:db8::17 cn1=',
    )
    expectMasked(masked)
    expect(masked).toMatch(
      /^CEF:0\|MCAS\|SIEM_Agent\|1\.0\|EVENT\|by mail-[0-9a-f]{6} \\\| x\|0\|externalId=a\\=1 start=1 msg=text-[0-9a-f]{6} suser=mail-/,
    )
    expect(masked).toMatch(/ cn1=$/)
  })

  test('that is neither JSON nor CEF is not shown', () => {
    expect(masker.record('{"user": "Jane Doe"')).toBe(
      '[19 characters that are neither JSON nor CEF, and so cannot be masked]',
    )
    expect(masker.record('Jane Doe')).not.toContain('Jane')
    expect(masker.record('CEF:0|a|b')).toMatch(/neither JSON nor CEF/)
    expect(masker.record('')).toBe('')
  })

  test('that is very long or very deep is no reason to work for ever, or to show it', () => {
    expect(masker.record(`{"a":"${'x@'.repeat(200_000)}"}`)).toMatch(/too long to be masked/)
    expect(masker.record('['.repeat(10_000) + ']'.repeat(10_000))).toContain('too deep')
    const started = masker.record(
      JSON.stringify({ a: 'x'.repeat(200_000), b: '1.'.repeat(5_000), c: ':'.repeat(5_000) }),
    )
    expect(started.length).toBeGreaterThan(200_000)
  })
})

test('work grows with the length of a line, not with its square', () => {
  const fields = Array.from({ length: 20_000 }, (_, n) => `k${n}=v`).join(' ')
  const line = `CEF:0|a|b|c|d|e|3|${fields} cs1Label=userName cs1=Jane Doe`
  const masked = masker.record(line)
  expect(masked).toContain(' k19999=v ')
  expectMasked(masked)
}, 5_000)

test('a pseudonym is the same for one value, whatever its case, and another one for each session', () => {
  expect(masker.text('Jane@contoso.com')).toBe(masker.text('jane@CONTOSO.com'))
  expect(masker.text('jane@contoso.com')).not.toBe(masker.text('joe@contoso.com'))
  expect(createMasker(Buffer.alloc(32, 8)).text('jane@contoso.com')).not.toBe(masker.text('jane@contoso.com'))
})

test('times and versions are no addresses', () => {
  const text = 'at 12:30:45 of 2026-11-24T12:30:45Z, version 1.2.3, Chrome/131.0.0.0, id a::b'
  expect(masker.text(text)).toContain('at 12:30:45 of 2026-11-24T12:30:45Z, version 1.2.3, Chrome/131.0.0.0')
})
