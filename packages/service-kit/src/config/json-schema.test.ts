import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { jsonSchemaOf } from './json-schema.ts'
import { secret } from './secret.ts'

const schema = z.strictObject({
  port: z.int().default(514).meta({ description: 'Port of the receiver.' }),
  token: secret({ description: 'API token.' }),
  password: secret().optional(),
})
const names = { title: 'siem-relay', id: 'https://example.org/siem-relay.schema.json' }

describe('jsonSchemaOf', () => {
  const json = jsonSchemaOf(schema, names)

  test('is a named draft 2020-12 schema of what a person may write', () => {
    expect(json).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: names.id,
      title: 'siem-relay',
      additionalProperties: false,
      properties: { port: { type: 'integer', default: 514, description: 'Port of the receiver.' } },
    })
  })

  test('every secret may be given as a file instead, but not both', () => {
    expect(json).toMatchObject({
      properties: {
        token: { type: 'string', writeOnly: true, description: 'API token.' },
        tokenFile: { type: 'string' },
        passwordFile: { type: 'string' },
      },
      allOf: [
        { oneOf: [{ required: ['token'] }, { required: ['tokenFile'] }] },
        { not: { required: ['password', 'passwordFile'] } },
      ],
    })
    expect(json.required ?? []).not.toContain('token')
  })

  test('reaches secrets inside lists and unions', () => {
    const deep = z.strictObject({ sources: z.array(z.union([z.strictObject({ token: secret() }), z.string()])) })
    expect(JSON.stringify(jsonSchemaOf(deep, names))).toContain('"tokenFile"')
  })

  test('survives what JSON Schema cannot say', () => {
    expect(() => jsonSchemaOf(z.strictObject({ any: z.custom<string>() }), names)).not.toThrow()
  })
})
