/** `siem-relay tap`: records as they come by at one stage, names and addresses masked unless asked for. */
import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import {
  type FilterDefinition,
  filterSchema,
  printable,
  printableJson,
  type RawKind,
  RelayError,
} from '@siem-relay/common'
import type { TapItem, TappedRecord, TapRequest } from '@siem-relay/control'
import type { Terminal } from '../terminal.ts'
import { countText } from './time.ts'
import { type ControlOptions, withControl } from './with-control.ts'

export const tapFormats = ['text', 'json', 'value'] as const

export interface TapOptions extends ControlOptions {
  readonly agent?: string
  readonly tenant?: string
  readonly kind?: RawKind
  readonly where?: string
  readonly limit?: number
  readonly format: (typeof tapFormats)[number]
  readonly json?: boolean
  readonly unmasked?: boolean
}

/** @throws {RelayError} `RELAY_USAGE`, `RELAY_CONTROL_FAILED`, and what opening the log throws. */
export async function tap(stage: TapRequest['stage'], options: TapOptions, terminal: Terminal): Promise<void> {
  const request = requestOf(stage, options, terminal)
  const format = options.json === true ? 'json' : options.format
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  const unlisten = terminal.onInterrupt(leave)
  // A reader that has had enough (`| head`) is no error.
  terminal.stdout.on('error', leave)
  try {
    await withControl(options, terminal, async ({ control, isAlone }) => {
      for await (const item of control.tap(request, leaving.signal)) {
        await show(item, format, terminal, leaving.signal)
        if (item.type === 'started' && isAlone)
          terminal.stderr.write('No relay runs on this log: nothing will come by.\n')
      }
    })
  } finally {
    unlisten()
    terminal.stdout.off('error', leave)
  }
}

function requestOf(stage: TapRequest['stage'], options: TapOptions, terminal: Terminal): TapRequest {
  const { agent, tenant, kind, where, limit, unmasked } = options
  return {
    stage,
    ...(agent === undefined ? {} : { agent }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(kind === undefined ? {} : { kind }),
    ...(limit === undefined ? {} : { limit }),
    ...(where === undefined ? {} : { where: parseFilterOption('--where', where, terminal) }),
    unmasked: unmasked === true,
  }
}

/**
 * A filter on the command line: its JSON, or `@file` for one in a file.
 * @throws {RelayError} `RELAY_USAGE`
 */
export function parseFilterOption(flag: string, text: string, { cwd }: Pick<Terminal, 'cwd'>): FilterDefinition {
  const wrong = (cause: unknown): RelayError =>
    new RelayError(
      'RELAY_USAGE',
      `${flag} is no filter: write it as in the configuration, {"severity": {"eq": [2]}}, or @file for one in a file`,
      { cause },
    )
  try {
    const path = text.startsWith('@') ? text.slice(1) : undefined
    const json = path === undefined ? text : readFileSync(isAbsolute(path) ? path : join(cwd, path), 'utf8')
    return filterSchema.parse(JSON.parse(json))
  } catch (cause) {
    throw wrong(cause)
  }
}

async function show(
  item: TapItem,
  format: TapOptions['format'],
  { stdout, stderr }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  if (item.type === 'started') stderr.write(`Tapping ${item.topics.join(', ')}; Ctrl-C ends.\n`)
  else if (item.type === 'skipped')
    stderr.write(`${countText(item.records, 'record', 'records')} came by faster than could be shown.\n`)
  else if (!stdout.write(`${textOf(item, format)}\n`)) await drained(stdout, signal)
}

function textOf(record: TappedRecord, format: TapOptions['format']): string {
  if (format === 'json') return printableJson(record)
  const value = `${printable(record.value)}${record.isCut ? '…' : ''}`
  if (format === 'value') return value
  const time = new Date(record.atMs).toISOString().slice(11, 23)
  return `${time} ${record.topic}/${record.partition}@${record.offset} ${value}`
}

/** Also resolves when nobody reads any more. */
function drained(stdout: Terminal['stdout'], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stdout.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    stdout.once('drain', done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
