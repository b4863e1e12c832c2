/** A file of tests, "this record gives this line", for users' own checks of their configuration. YAML or JSON. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { describeError, idSchema, RelayError } from '@siem-relay/common'
import { type Document, isMap, parseDocument } from 'yaml'
import { z } from 'zod'

const testSchema = z
  .strictObject({
    name: z.string().min(1).optional(),
    agent: idSchema.optional(),
    kind: z.enum(['alert', 'activity', 'discovery']).optional(),
    /** Of records that are not Defender for Cloud Apps' own. */
    shape: z
      .enum(['defender-alert', 'defender-activity', 'graph-alert', 'cloud-app-event', 'xdr-alert', 'discovery-row'])
      .optional(),
    /** JSON as it is, or text that is to be the record. */
    record: z.unknown().optional(),
    /** A file with the record, beside this one. */
    recordFile: z.string().min(1).optional(),
    portalUrl: z.string().optional(),
    line: z.string().optional(),
    leftOut: z.enum(['filter', 'disabled', 'repeat']).optional(),
    /** A part of the reason. */
    deadLetter: z.string().optional(),
  })
  .refine((test) => (test.record === undefined) !== (test.recordFile === undefined), {
    error: 'give either record or recordFile',
  })
  .refine((test) => [test.line, test.leftOut, test.deadLetter].filter((one) => one !== undefined).length <= 1, {
    error: 'give one of: line, leftOut, deadLetter',
  })

const fileSchema = z.strictObject({
  /** Of tests that name none. */
  agent: idSchema.optional(),
  /** The time for filters that go by it. */
  now: z.iso.datetime({ offset: true }).optional(),
  tests: z.array(testSchema).min(1).max(10_000),
})

export type RecordTest = z.output<typeof testSchema>

export interface RecordTestFile {
  readonly path: string
  readonly agent: string | undefined
  readonly nowMs: number | undefined
  readonly tests: readonly RecordTest[]
  /** For writing it again as it was written. */
  readonly document: Document
}

/** @throws {RelayError} `RELAY_USAGE` with every problem. */
export function readTestFile(path: string): RecordTestFile {
  const document = parseDocument(readText(path), { prettyErrors: true })
  const [wrong] = document.errors
  if (wrong !== undefined) throw new RelayError('RELAY_USAGE', `${path}: ${wrong.message.split('\n')[0]}`)
  const parsed = fileSchema.safeParse(document.toJS({ maxAliasCount: 100 }))
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: place, message }) => `${place.join('.') || 'file'}: ${message}`)
    throw new RelayError('RELAY_USAGE', `${path}: ${problems.join('; ')}`)
  }
  const { agent, now, tests } = parsed.data
  return { path, agent, nowMs: now === undefined ? undefined : Date.parse(now), tests, document }
}

/** The record of a test as bytes. @throws {RelayError} `RELAY_USAGE` */
export function bodyOf({ record, recordFile }: RecordTest, path: string): Buffer {
  if (recordFile !== undefined)
    return Buffer.from(readText(isAbsolute(recordFile) ? recordFile : join(dirname(path), recordFile)))
  return Buffer.from(typeof record === 'string' ? record : JSON.stringify(record))
}

/** Puts what came out in place of what a test expects; all else stays as it was written, comments too. */
export function expectInstead(file: RecordTestFile, index: number, expected: object): void {
  const test = file.document.getIn(['tests', index], true)
  if (!isMap(test)) return
  for (const key of ['line', 'leftOut', 'deadLetter']) if (!(key in expected)) test.delete(key)
  for (const [key, value] of Object.entries(expected)) test.set(key, value)
}

/** JSON stays JSON. */
export function textOfFile({ path, document }: RecordTestFile): string {
  return path.endsWith('.json')
    ? `${JSON.stringify(document.toJS(), undefined, 2)}\n`
    : document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', `cannot read ${path}: ${describeError(cause)}`, { cause })
  }
}
