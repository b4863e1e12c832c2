import { describe, expect, test } from 'vitest'
import { startForTest } from './testing/client.ts'

describe('sizes', () => {
  const rowOf = (bytes: number): string => {
    const start = '[{"RecordId":"a","AppName":"'
    return `${start}${'x'.repeat(bytes - start.length - 3)}"}]`
  }

  test('1,048,576 bytes are taken, one more is refused in the words of Azure', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(rowOf(1_048_576))).status).toBe(204)
    const { status, code, text } = await setup.upload(rowOf(1_048_577))
    expect({ status, code }).toEqual({ status: 413, code: 'ContentLengthLimitExceeded' })
    expect(text).toContain(
      'Maximum allowed content length: 1048576 bytes (1 MB). Provided content length: 1048577 bytes.',
    )
    expect(setup.azure.totals).toMatchObject({ stored: 1, wireBytesMax: 1_048_577 })
  })

  test('count as sent: what gzip makes small enough is taken', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(rowOf(20_000_000), { isGzip: true })).status).toBe(204)
    expect(setup.azure.requests[0]).toMatchObject({ rawBytes: 20_000_000, stored: 1 })
    expect(setup.azure.requests[0]?.wireBytes).toBeLessThan(50_000)
  })

  test('after unpacking have a limit of their own', async () => {
    await using setup = await startForTest({ limits: { rawBytesMax: 1000 } })
    expect((await setup.upload(rowOf(1000), { isGzip: true })).status).toBe(204)
    const { status, code } = await setup.upload(rowOf(1001), { isGzip: true })
    expect({ status, code }).toEqual({ status: 413, code: 'PayloadSizeLimitExceeded' })
  })

  test('may be limited to less, so that little data meets the limit', async () => {
    await using setup = await startForTest({ limits: { wireBytesMax: 100 } })
    expect((await setup.upload(rowOf(100))).status).toBe(204)
    expect((await setup.upload(rowOf(101))).text).toContain('100 bytes. Provided content length: 101 bytes.')
  })

  test('a client that sends far too much still gets its 413', async () => {
    await using setup = await startForTest()
    expect((await setup.upload(Buffer.alloc(20_000_000, ' '))).status).toBe(413)
  })
})
