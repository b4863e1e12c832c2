/** The configuration's JSON Schema, for editors and the reference. */
import { z } from 'zod'
import { fileKeyOf, isSecret, settingsOf } from './schema-walk.ts'

export interface JsonSchemaNames {
  readonly title: string
  /** `$id`: the address the schema is published at. */
  readonly id: string
}

/** Draft 2020-12, of what a person may write (defaults are not required); every secret `x` may be given as `xFile` instead. */
export function jsonSchemaOf(schema: z.ZodType, { title, id }: JsonSchemaNames): Record<string, unknown> {
  const { $schema, ...body } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'object') addFileSettings(zodSchema, jsonSchema)
    },
  })
  return { $schema, $id: id, title, ...body }
}

function addFileSettings(zodSchema: z.core.$ZodType, jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const choices: z.core.JSONSchema.BaseSchema[] = []
  for (const [key, child] of settingsOf(zodSchema)) {
    const fileKey = fileKeyOf(key)
    if (!isSecret(child) || jsonSchema.properties === undefined || fileKey in jsonSchema.properties) continue
    jsonSchema.properties[fileKey] = {
      type: 'string',
      minLength: 1,
      description: `Path of a file that holds ${key}; relative to the configuration's folder.`,
    }
    if (jsonSchema.required?.includes(key)) {
      jsonSchema.required = jsonSchema.required.filter((name) => name !== key)
      choices.push({ oneOf: [{ required: [key] }, { required: [fileKey] }] })
    } else choices.push({ not: { required: [key, fileKey] } })
  }
  if (choices.length > 0) jsonSchema.allOf = [...(jsonSchema.allOf ?? []), ...choices]
}
