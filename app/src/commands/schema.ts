/** `siem-relay schema`: the JSON Schema of the configuration file. docs/using/siem-relay.schema.json is this output. */
import { jsonSchemaOf } from '@siem-relay/service-kit'
import { relayConfigSchema } from '../config/schema.ts'
import type { Terminal } from '../terminal.ts'

export function schemaText(): string {
  return `${JSON.stringify(jsonSchemaOf(relayConfigSchema, { title: 'siem-relay configuration', id: 'urn:siem-relay:config:1' }), null, 2)}\n`
}

export function schema(terminal: Terminal): void {
  terminal.stdout.write(schemaText())
}
