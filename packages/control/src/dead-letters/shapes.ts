/** Dead letters as they are asked for and answered. */
import { type ErrorCode, idSchema } from '@siem-relay/common'
import { z } from 'zod'

/** Letters a call may name or handle: what one transaction takes. */
export const lettersMax = 1_000

/** `<partition>-<offset>` in the topic. */
export const letterIdSchema = z
  .string()
  .regex(/^\d{1,4}-\d{1,15}$/, 'a dead letter is named by partition and offset, as in 2-1041')

const letterFilterSchema = z.strictObject({
  agent: idSchema.optional(),
  code: z.string().min(1).max(100).optional(),
  stage: z.string().min(1).max(100).optional(),
})

export const deadLettersRequestSchema = letterFilterSchema.extend({
  /** With those that were retried or dropped. */
  all: z.boolean().default(false),
  limit: z.int().min(1).max(lettersMax).default(50),
  /** Where the page before ended. */
  before: z
    .string()
    .regex(/^\d{1,16}(\.\d{1,16}){0,99}$/, 'a cursor is what the page before ended with')
    .optional(),
})

/** The letters named, or all open ones that fit. */
export const handleLettersRequestSchema = z
  .strictObject({
    ids: z.array(letterIdSchema).min(1).max(lettersMax).optional(),
    filter: letterFilterSchema.optional(),
    /** Who does it, for the record. */
    by: z.string().max(200).default(''),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    error: 'give either ids or a filter',
  })

export type LetterFilter = z.output<typeof letterFilterSchema>
export type DeadLettersRequest = z.input<typeof deadLettersRequestSchema>
export type HandleLettersRequest = z.input<typeof handleLettersRequestSchema>

/** What a person did with a letter. */
export interface LetterMark {
  readonly action: 'retried' | 'dropped'
  readonly atMs: number
  readonly by: string
  /** The replay that sends it again. */
  readonly job?: string | undefined
}

export interface DeadLetter {
  readonly id: string
  /** When it was put aside. */
  readonly atMs: number
  readonly stage: string
  /** Letters of collectors and of the log itself are no agent's. */
  readonly agent?: string | undefined
  readonly code: string
  readonly reason: string
  readonly attempts?: number | undefined
  /** Where the record stood; the offset of a damaged stretch is a range. */
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: string }
  /** Of a record or message: its id. */
  readonly key: string
  readonly bytes: number
  /** The beginning of the record as text: what others wrote. */
  readonly preview: string
  /** What an operator does about letters of this code. */
  readonly nextMove?: string | undefined
  readonly mark?: LetterMark | undefined
  /** Why it cannot be sent again; absent when it can be tried. */
  readonly notRetriable?: string | undefined
}

export interface DeadLetterPage {
  /** Newest first. */
  readonly letters: readonly DeadLetter[]
  /** Where the next page begins; absent when this is the last. A page that looked at very many letters may hold less than asked for. */
  readonly before?: string
}

export interface WholeDeadLetter extends DeadLetter {
  readonly headers: Readonly<Record<string, string>>
  /** The record as it came, base64. */
  readonly value: string
}

export interface RefusedLetter {
  readonly id: string
  readonly code: ErrorCode
  readonly reason: string
}

export interface RetriedLetters {
  readonly retried: readonly { readonly id: string; readonly agent: string; readonly job: string }[]
  /** Those that stay as they are, each with why. */
  readonly refused: readonly RefusedLetter[]
  /** There are more that fit: the same call again handles them. */
  readonly isMore: boolean
}

export interface DroppedLetters {
  readonly dropped: readonly string[]
  readonly refused: readonly RefusedLetter[]
  readonly isMore: boolean
}
