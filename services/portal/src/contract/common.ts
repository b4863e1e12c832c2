/** What all answers of the portal's API have in common. Everything is JSON under `/api/v1`; times are milliseconds since the
 *  epoch; unsafe methods carry the session's `csrfToken` in the header `x-csrf-token`. */
import { z } from 'zod'

export const timeMs = z.int().min(0)

/** Body of every answer that is not 2xx. */
export const errorSchema = z.object({
  error: z.object({
    /** A code of docs/operating/errors.md, or one of the API's own: `unauthorized`, `forbidden`, `not_found`, `conflict`, `invalid`,
     *  `too_many`, `unavailable`. */
    code: z.string(),
    message: z.string(),
    /** What a person can do about it. */
    nextMove: z.string(),
    /** With `invalid`: each wrong place, such as `['syslog', 'port']`. */
    problems: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })).optional(),
  }),
})

/** A page of a list that is read backwards: give `next` as `before` for the page after. */
export const pageQuerySchema = z.object({
  before: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

export type ApiError = z.output<typeof errorSchema>['error']
