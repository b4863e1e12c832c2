/** Secrets as values: text that shows itself only when asked by name. */
import { inspect } from 'node:util'
import { z } from 'zod'

export const redacted = '[redacted]'

/** A secret text. Logs, JSON, templates and inspection show `[redacted]`; `reveal()` gives the text. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  [inspect.custom](): string {
    return redacted
  }
}

/**
 * The schema of a secret setting `x`. `loadConfig` also takes `xFile: path` in its place and reads the file.
 * @param meta such as a description for the reference.
 */
export function secret(meta: { readonly description?: string } = {}, charactersMin = 1) {
  // writeOnly is JSON Schema's own word for a value that is never shown; it is also how loadConfig recognises secrets.
  return z
    .string()
    .min(charactersMin)
    .transform((text) => new Secret(text))
    .meta({ ...meta, writeOnly: true })
}

/** Text for people: credentials inside URLs are taken out. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, `//${redacted}@`)
}
