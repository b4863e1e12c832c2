/** What is to be sent in reply to one request, before it touches a socket: faults change answers, tests read them. */

import type { Page } from '../defender/listing.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The page the body was made of, when the request was for a list. */
  readonly page?: Page
}

/** What kind of thing a request is for; faults are scripted by it. */
export type RouteKind = 'alerts' | 'activities' | 'graph-alerts' | 'graph-discovery' | 'token' | 'other'

/** One request, read to its end. */
export interface Incoming {
  readonly method: string
  /** Path without query and without the prefix. */
  readonly path: string
  readonly route: RouteKind
  /** By which the client knows the simulator, with the port. */
  readonly host: string
  readonly authorization: string | undefined
  /** Query parameters and the fields of the body together. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The body was not of the type it said. */
  readonly isMalformed: boolean
}

/** How every list reply of Defender for Cloud Apps begins. */
export const pageStart = Buffer.from('{"data":[')

const comma = 0x2c

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  }
}

export function htmlAnswer(status: number, title: string): Answer {
  const body = `<!DOCTYPE html>\r\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\r\n`
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: Buffer.from(body) }
}

/** A list reply: the stored bytes of each record go in as they are. */
export function pageAnswer(page: Page): Answer {
  const start = page.start ?? pageStart
  const rest = JSON.stringify(page.envelope).slice(1)
  const end = Buffer.from(`]${rest === '}' ? '' : ','}${rest}`)
  const recordBytes = page.records.reduce((bytes, record) => bytes + record.length + 1, 0)
  const body = Buffer.allocUnsafe(start.length + Math.max(0, recordBytes - 1) + end.length)
  let position = start.copy(body)
  for (const [index, record] of page.records.entries()) {
    if (index > 0) position = body.writeUInt8(comma, position)
    position += record.copy(body, position)
  }
  end.copy(body, position)
  return { status: 200, headers: { 'content-type': 'application/json' }, body, page }
}
