import { outHeaders, rowSchemas } from '@siem-relay/common'
import { describe, expect, test } from 'vitest'
import { rowError } from './row-check.ts'

const bad = Buffer.from('{"TimeGenerated":"2026-01-01T00:00:00Z","RecordId":"r","Colour":"red"}')
const held = (schema: string | undefined): string | undefined =>
  rowError(
    'discovery',
    { key: 'k', headers: schema === undefined ? {} : { [outHeaders.rowSchema]: schema } },
    bad,
    1_000,
  )?.message

describe('a row', () => {
  const problem = 'record k: column "Colour" is not in McasShadowItReporting_CL: Azure would drop it'

  test.each([
    ['that does not say it was held to any columns', undefined],
    ['of a formatter with other columns', 'abcdef012345'],
    ['that was held to those of another table', rowSchemas.activity],
    ['that says something odd', '__proto__'],
  ])('%s is held to its table here', (_, schema) => expect(held(schema)).toBe(problem))

  test('that was held to these columns when it was made is not looked at twice', () =>
    expect(held(rowSchemas.discovery)).toBeUndefined())

  test('has to fit into a request whatever it says', () =>
    expect(
      rowError('discovery', { key: 'k', headers: { [outHeaders.rowSchema]: rowSchemas.discovery } }, bad, 50)?.code,
    ).toBe('RELAY_FRAME_TOO_LARGE'))
})
