/** The API's document (OpenAPI 3.1), made of what routes declare. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { errorSchema } from '../contract/common.ts'
import type { Operation } from './route.ts'

export function addOpenApi(server: FastifyInstance, version: string): void {
  let document: object | undefined
  server.get('/openapi.json', (_request, reply) => {
    document ??= openApiOf(server.operations, version)
    return reply.header('cache-control', 'no-cache').send(document)
  })
}

function openApiOf(operations: readonly Operation[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: operationOf(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'siem-relay portal',
      version,
      description: 'Changes carry the header x-csrf-token with the csrfToken of GET session.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: 'siem_relay_session' } },
      schemas: { Error: schemaOf(errorSchema, 'output') },
    },
  }
}

function operationOf({ method, path, access, summary, body, query, params, answer, status }: Operation): object {
  return {
    summary,
    operationId: `${method.toLowerCase()}${path.replace(/[/:.-]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    security: access === 'public' ? [] : [{ session: [] }],
    parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      [status ?? (answer === undefined ? 204 : 200)]: {
        description: 'Done.',
        ...(answer === undefined ? {} : { content: { 'application/json': { schema: schemaOf(answer, 'output') } } }),
      },
      default: {
        description: 'Refused, or not possible now.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  }
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): readonly object[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as ObjectSchema
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: each,
  }))
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>
  return rest
}
