/** The shape of an MDA filter as JSON: `{"<field>": {"<operator>": value, …}, …}`. Which fields and operators exist is
 *  checked by `compileFilter`, whose problems carry the path; this schema keeps the size bounded. */
import { z } from 'zod'

export const filterSchema = z.record(z.string().min(1).max(64), z.record(z.string().min(1).max(32), z.unknown())).meta({
  description:
    'Filter in the JSON of the Defender for Cloud Apps API, for example {"severity": {"eq": [1, 2]}}. AND between fields, OR inside a list.',
})

/** A filter as the Defender for Cloud Apps API and portal write it. */
export type FilterDefinition = z.output<typeof filterSchema>
