/** Records in a file or on standard input: one as a JSON document, several as a JSON array or one a line. */
import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { type EventKind, RelayError } from '@siem-relay/common'
import type { PreviewRecord } from '@siem-relay/control'
import type { Terminal } from '../terminal.ts'

const charactersMax = 64 * 1_048_576

/**
 * @param path `-` for standard input.
 * @throws {RelayError} `RELAY_USAGE` for what cannot be read.
 */
export async function readRecords(path: string, terminal: Terminal): Promise<readonly string[]> {
  const text = await readText(path, terminal)
  const whole = parsed(text)
  if (Array.isArray(whole)) return whole.map((record) => JSON.stringify(record))
  if (whole !== undefined) return [text.trim()]
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

async function readText(path: string, { stdin, cwd }: Terminal): Promise<string> {
  try {
    if (path !== '-') return await readFile(isAbsolute(path) ? path : join(cwd, path), 'utf8')
    let text = ''
    stdin.setEncoding('utf8')
    for await (const chunk of stdin) {
      text += String(chunk)
      if (text.length > charactersMax) throw new Error(`more than ${charactersMax} characters`)
    }
    return text
  } catch (cause) {
    throw new RelayError('RELAY_USAGE', `cannot read ${path}`, { cause })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Activities have an `eventTypeName` or a `mainInfo`, discovery rows an `AppName` or `AppId`; anything else is taken for an alert. */
export function kindOfText(text: string): EventKind {
  if (/"(eventTypeName|mainInfo|eventType)"\s*:/.test(text)) return 'activity'
  return /"App(Name|Id)"\s*:/.test(text) ? 'discovery' : 'alert'
}

/** A record that came from no source. */
export function looseRecord(
  body: Buffer,
  kind: EventKind,
  portalUrl = 'https://portal.cloudappsecurity.com',
): PreviewRecord {
  return { body, kind, id: idOf(body), tenant: 'preview', source: 'preview', portalUrl, receivedMs: Date.now() }
}

function idOf(body: Buffer): string {
  const record = parsed(body.toString('utf8'))
  return typeof record === 'object' && record !== null && '_id' in record ? String(record._id) : ''
}
