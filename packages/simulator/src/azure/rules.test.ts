import { describe, expect, test } from 'vitest'
import { type Column, type DataCollectionRule, readRules, type StreamDeclaration } from './rules.ts'
import { discovery, rule, ruleId, startForTest, stream } from './testing/client.ts'

const ruleOf = (name: string, declaration: StreamDeclaration): DataCollectionRule => ({
  immutableId: ruleId,
  streams: { [name]: declaration },
})
const columnOf = (column: Column): DataCollectionRule => ruleOf(stream, { ...discovery, columns: [column] })

describe('rules', () => {
  test('name the table a stream fills, or fill one of its own name', () => {
    const streams = readRules([rule]).get(ruleId)
    expect(streams?.get(stream)).toMatchObject({ table: 'McasShadowItReporting_CL', idColumn: 'RecordId' })
    expect(
      readRules([ruleOf('Custom-X_CL', { columns: 'any' })])
        .get(ruleId)
        ?.get('Custom-X_CL')?.table,
    ).toBe('X_CL')
  })

  test.each<readonly [string, DataCollectionRule, string]>([
    ['an id of another form', { ...rule, immutableId: 'dcr-1' }, "'dcr-1'"],
    ['no streams', { immutableId: ruleId, streams: {} }, '0 streams'],
    [
      'eleven streams',
      {
        immutableId: ruleId,
        streams: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`Custom-${n}`, discovery])),
      },
      '11 streams',
    ],
    ['a stream without Custom-', ruleOf('McasAlerts', discovery), 'begins with Custom-'],
    ['an output that is none', ruleOf(stream, { ...discovery, outputStream: 'McasAlerts_CL' }), "'McasAlerts_CL'"],
    ['a column that begins with a digit', columnOf({ name: '1st', type: 'int' }), "'1st'"],
    ['a column of 46 letters', columnOf({ name: 'x'.repeat(46), type: 'int' }), 'at most 44'],
    ['a column Azure fills itself', columnOf({ name: 'TenantId', type: 'string' }), 'TenantId is reserved'],
    ['another type', columnOf({ name: 'X', type: 'decimal' as 'real' }), "'decimal'"],
    [
      '501 columns',
      ruleOf(stream, { columns: Array.from({ length: 501 }, (_, n) => ({ name: `c${n}`, type: 'int' })) }),
      '501 columns',
    ],
  ])('with %s are refused', async (_name, wrong, words) => {
    expect(() => readRules([wrong])).toThrow(words)
    await expect(startForTest({ rules: [wrong] })).rejects.toThrow(TypeError)
  })

  test("a stream into Microsoft's own table may have columns of any name", () => {
    const columns = [{ name: 'TenantId', type: 'string' }] as const
    expect(() => readRules([ruleOf(stream, { columns, outputStream: 'Microsoft-CommonSecurityLog' })])).not.toThrow()
  })
})
