/** What makers of rows share: what they know besides the event, and how values become columns. */
export interface RowContext {
  readonly device: { readonly vendor: string; readonly product: string; readonly version: string }
  /** The agent's own names by number, over the built-in tables. */
  readonly alertTypes: ReadonlyMap<string, string>
  readonly appIds: ReadonlyMap<string, string>
  readonly portalUrl: string
  /** When the relay received the record, for records without a time of their own. */
  readonly receivedMs: number
  /** Of an alert that comes in versions: this one. */
  readonly version: string | undefined
}

/** RFC 3339 in UTC; undefined stays so. */
export function timeColumn(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

/** A text, or nothing where it is empty: an absent column costs nothing. */
export function textColumn(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
