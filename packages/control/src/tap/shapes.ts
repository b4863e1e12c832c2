/** What a tap is asked for, and what comes out of it. */
import { filterSchema, idSchema, rawKinds } from '@siem-relay/common'
import { z } from 'zod'

export const tapStages = ['raw', 'out', 'discarded', 'dead-letters'] as const

export const tapRequestSchema = z.strictObject({
  stage: z.enum(tapStages),
  /** Default: all. */
  agent: idSchema.optional(),
  tenant: idSchema.optional(),
  kind: z.enum(rawKinds).optional(),
  /** A filter as agents have them, over raw records. */
  where: filterSchema.optional(),
  /** Ends after so many records. */
  limit: z.int().min(1).max(1_000_000).optional(),
  /** With names and addresses as they are. */
  unmasked: z.boolean().default(false),
})

export type TapRequest = z.input<typeof tapRequestSchema>

/** A record as it came by. All of it is text that others wrote. */
export interface TappedRecord {
  readonly type: 'record'
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When the log took it. */
  readonly atMs: number
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  /** Masked, and cut where it is very long. */
  readonly value: string
  readonly isCut: boolean
}

export type TapItem =
  /** What comes in from now on is shown. */
  | { readonly type: 'started'; readonly topics: readonly string[] }
  | TappedRecord
  /** More came by than could be shown. */
  | { readonly type: 'skipped'; readonly records: number }
