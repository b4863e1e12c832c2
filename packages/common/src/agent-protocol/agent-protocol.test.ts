import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { agreedProtocol } from './messages.ts'
import { decodeWireRecord, encodeWireRecord, wireBatchSchema } from './records.ts'
import { agentOfToken } from './token.ts'

const secret = 'A'.repeat(43)

describe('agentOfToken', () => {
  test.each([
    [`sra_siem_${secret}`, 'siem'],
    [`sra_siem_eu-1_${secret}`, 'siem_eu-1'],
    [`sra_a_${'_'.repeat(43)}`, 'a'],
  ])('%s is for %s', (token, agent) => {
    expect(agentOfToken(token)).toBe(agent)
  })

  test.each([
    '',
    'sra_',
    `sra_siem_${'A'.repeat(42)}`,
    `SRA_siem_${secret}`,
    `sra_Siem_${secret}`,
    `sra_siem_${secret}\n`,
    ` sra_siem_${secret}`,
    `sra_siem_${'é'.repeat(43)}`,
    `sra_${'a'.repeat(1_000_000)}_${secret}`,
    // Tokens of the SIEM agent and of the API were 64 hexadecimal digits.
    'f'.repeat(64),
  ])('%# is no token', (text) => {
    expect(agentOfToken(text)).toBeUndefined()
  })
})

describe('records', () => {
  test('every byte of a value arrives, text or not', () => {
    const record = fc.record({
      offset: fc.nat(),
      key: fc.string(),
      value: fc
        .oneof(
          fc.uint8Array(),
          fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
        )
        .map((bytes) => Buffer.from(bytes)),
      headers: fc.dictionary(fc.string(), fc.string()),
      appendedMs: fc.nat(),
    })
    fc.assert(
      fc.property(record, (carried) => {
        const sent = { group: 'g', opening: 1, topic: 't', partition: 0, life: 1, records: [encodeWireRecord(carried)] }
        const [arrived] = wireBatchSchema.parse(JSON.parse(JSON.stringify(sent))).records
        expect(arrived && { ...decodeWireRecord(arrived), headers: { ...arrived.headers } }).toEqual({
          ...carried,
          headers: { ...carried.headers },
        })
      }),
    )
  })
})

describe('agreedProtocol', () => {
  test.each([
    ['1', 1],
    ['2, 1', 1],
    ['2', undefined],
    ['', undefined],
    [undefined, undefined],
    ['01', undefined],
  ])('%s → %s', (header, version) => {
    expect(agreedProtocol(header)).toBe(version)
  })
})
