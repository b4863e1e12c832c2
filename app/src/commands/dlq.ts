/** `siem-relay dlq`: records and messages that were put aside, and what to do with them. */
import { userInfo } from 'node:os'
import { printable, printableJson, RelayError } from '@siem-relay/common'
import type { Control, LetterFilter, RefusedLetter } from '@siem-relay/control'
import type { Terminal } from '../terminal.ts'
import { isWanted } from './ask.ts'
import { lettersText, letterText } from './dlq-text.ts'
import { countText } from './time.ts'
import { type ControlOptions, withControl } from './with-control.ts'
import { wrap } from './wrap.ts'

interface FilterOptions extends ControlOptions {
  readonly agent?: string
  readonly code?: string
  readonly stage?: string
  readonly json?: boolean
}

export interface ListOptions extends FilterOptions {
  readonly all?: boolean
  readonly limit: number
  readonly before?: string
}

export interface ShowOptions extends ControlOptions {
  readonly raw?: boolean
  readonly json?: boolean
}

export interface HandleOptions extends FilterOptions {
  /** All that are open. */
  readonly every?: boolean
  readonly yes?: boolean
}

/** @throws {RelayError} `RELAY_CONTROL_FAILED`, and what opening the log throws; as all commands here. */
export async function listDeadLetters(options: ListOptions, terminal: Terminal): Promise<void> {
  await withControl(options, terminal, async ({ control }) => {
    const { all = false, limit, before } = options
    const page = await control.deadLetters({
      ...filterOf(options),
      all,
      limit,
      ...(before === undefined ? {} : { before }),
    })
    if (options.json === true) return void terminal.stdout.write(`${printableJson(page)}\n`)
    terminal.stdout.write(lettersText(page.letters))
    if (page.before !== undefined) terminal.stderr.write(`There are more: add --before ${page.before}\n`)
  })
}

/** @throws {RelayError} `RELAY_USAGE` for an id that is not there. */
export async function showDeadLetter(id: string, options: ShowOptions, terminal: Terminal): Promise<void> {
  await withControl(options, terminal, async ({ control }) => {
    const letter = await control.deadLetter(checkedId(id))
    const { stdout } = terminal
    // To a file or a program: the very bytes, whatever they do to a terminal.
    if (options.raw === true) stdout.write(Buffer.from(letter.value, 'base64'))
    else if (options.json === true) stdout.write(`${printableJson(letter)}\n`)
    else stdout.write(letterText(letter))
  })
}

/** @throws {RelayError} `RELAY_USAGE` without ids and filter, or with both. */
export async function retryDeadLetters(
  ids: readonly string[],
  options: HandleOptions,
  terminal: Terminal,
): Promise<void> {
  await withControl(options, terminal, async ({ control, isAlone }) => {
    const result = await control.retryDeadLetters(await requestOf(ids, options))
    const { retried, refused, isMore } = result
    if (options.json === true) terminal.stdout.write(`${printableJson(result)}\n`)
    else {
      const jobs = Map.groupBy(retried, ({ job }) => job)
      for (const [job, letters] of jobs)
        terminal.stdout.write(
          `${letters[0]?.agent}: ${countText(letters.length, 'dead letter goes', 'dead letters go')} out again as replay ${job}\n`,
        )
      if (retried.length === 0 && refused.length === 0) terminal.stdout.write('no dead letters to retry\n')
      tellRefused(refused, terminal)
    }
    if (isAlone && retried.length > 0)
      terminal.stderr.write('No relay runs on this log: they go out with the next `siem-relay run`.\n')
    if (isMore) terminal.stderr.write('There are more: the same command again takes the next.\n')
    if (refused.length > 0) terminal.setExitCode(1)
  })
}

/** @throws {RelayError} `RELAY_USAGE` without ids and filter, with both, and without --yes where nobody can be asked. */
export async function dropDeadLetters(
  ids: readonly string[],
  options: HandleOptions,
  terminal: Terminal,
): Promise<void> {
  await withControl(options, terminal, async ({ control }) => {
    const request = await requestOf(ids, options)
    const what = request.ids === undefined ? 'every dead letter that fits' : countText(ids.length, 'letter', 'letters')
    if (options.yes !== true && !(await isWanted(`Mark ${what} as dropped?`, terminal))) {
      terminal.stderr.write('Nothing was dropped.\n')
      terminal.setExitCode(1)
      return
    }
    const result = await dropAll(control, request)
    if (options.json === true) terminal.stdout.write(`${printableJson(result)}\n`)
    else {
      terminal.stdout.write(`${countText(result.dropped.length, 'dead letter', 'dead letters')} dropped\n`)
      tellRefused(result.refused, terminal)
    }
    if (result.refused.length > 0) terminal.setExitCode(1)
  })
}

type Request = Awaited<ReturnType<typeof requestOf>>

/** A call takes a bounded number: one after another until all are marked. */
async function dropAll(control: Control, request: Request) {
  const dropped: string[] = []
  for (;;) {
    const part = await control.dropDeadLetters(request)
    dropped.push(...part.dropped)
    if (!part.isMore || part.dropped.length === 0) return { dropped, refused: part.refused }
  }
}

async function requestOf(ids: readonly string[], options: HandleOptions) {
  const filter = filterOf(options)
  const hasFilter = Object.keys(filter).length > 0 || options.every === true
  if (ids.length > 0 === hasFilter)
    throw new RelayError(
      'RELAY_USAGE',
      'name letters by their ids, or all that fit with --agent, --code, --stage, or --every for all',
    )
  const by = userName()
  return hasFilter ? { filter, by } : { ids: ids.map(checkedId), by }
}

function filterOf({ agent, code, stage }: FilterOptions): LetterFilter {
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(code === undefined ? {} : { code }),
    ...(stage === undefined ? {} : { stage }),
  }
}

function checkedId(id: string): string {
  if (/^\d{1,4}-\d{1,15}$/.test(id)) return id
  throw new RelayError(
    'RELAY_USAGE',
    `${printable(id)} names no dead letter: ids look like 2-1041; dlq list shows them`,
  )
}

/** A user without an entry in the system's list has no name. */
function userName(): string {
  try {
    return userInfo().username.slice(0, 200)
  } catch {
    return ''
  }
}

function tellRefused(refused: readonly RefusedLetter[], { stderr }: Terminal): void {
  for (const { id, reason } of refused) stderr.write(`${wrap(`${id} stays: ${reason}`, '', '  ').join('\n')}\n`)
}
