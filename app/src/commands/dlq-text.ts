/** Dead letters in words: a row each with its reason below, and what to do, once for each code. */
import { printable } from '@siem-relay/common'
import type { DeadLetter, WholeDeadLetter } from '@siem-relay/control'
import { clipped, tableLines } from './table.ts'
import { lineLengthMax, wrap } from './wrap.ts'

export function lettersText(letters: readonly DeadLetter[]): string {
  if (letters.length === 0) return 'no dead letters\n'
  const [head = '', ...rows] = tableLines([
    ['id', 'put aside', 'agent', 'code'],
    ...letters.map(({ id, atMs, agent, code }) => [
      clipped(id, 12),
      timeText(atMs),
      clipped(agent ?? '-', 14),
      clipped(code, 28),
    ]),
  ])
  const lines = letters.flatMap((letter, index) => [rows[index] ?? '', ...detailLines(letter)])
  return `${[head, ...lines, '', ...moveLines(letters)].join('\n')}\n`
}

function detailLines({ stage, reason, mark, notRetriable }: DeadLetter): readonly string[] {
  return [
    clipped(`  ${stage}: ${reason}`, lineLengthMax),
    ...(mark === undefined ? [] : [clipped(`  ${markText(mark)}`, lineLengthMax)]),
    ...(notRetriable === undefined || mark !== undefined
      ? []
      : wrap(`Cannot be retried: ${notRetriable}.`, '  ', '  ')),
  ]
}

/** What to do, once for each code. */
function moveLines(letters: readonly DeadLetter[]): readonly string[] {
  const moves = new Map(letters.flatMap(({ code, nextMove }) => (nextMove === undefined ? [] : [[code, nextMove]])))
  return [
    ...[...moves].flatMap(([code, move]) => wrap(`${code}: ${move}`, '→ ', '  ')),
    ...wrap('Then: siem-relay dlq retry ID, or dlq drop ID; dlq show ID has the whole record.', '→ ', '  '),
  ]
}

export function letterText(letter: WholeDeadLetter): string {
  const { id, atMs, stage, agent, code, reason, attempts, origin, key, bytes, mark, notRetriable, nextMove } = letter
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['id', id],
    ['put aside', timeText(atMs)],
    ['stage', stage],
    ['agent', agent],
    ['code', code],
    ['reason', reason],
    ['attempts', attempts === undefined ? undefined : String(attempts)],
    ['origin', `${origin.topic}/${origin.partition} offset ${origin.offset}`],
    ['key', key],
    ['bytes', String(bytes)],
    ['handled', mark === undefined ? undefined : markText(mark)],
    ['retry', notRetriable === undefined ? undefined : `not possible: ${notRetriable}`],
    ['do', nextMove],
  ]
  const own = new Set([
    'stage',
    'agent',
    'code',
    'reason',
    'attempts',
    'origin-topic',
    'origin-partition',
    'origin-offset',
  ])
  const headers = Object.entries(letter.headers).filter(([name]) => !own.has(name))
  const lines = [
    ...rows.flatMap(([name, value]) => (value === undefined ? [] : wrap(value, name.padEnd(11), ' '.repeat(11)))),
    ...headers.flatMap(([name, value]) => wrap(`${name}: ${value}`, 'header     ', ' '.repeat(11))),
    '',
    printable(Buffer.from(letter.value, 'base64').toString('utf8')),
  ]
  return `${lines.join('\n')}\n`
}

function markText({ action, atMs, by, job }: NonNullable<DeadLetter['mark']>): string {
  return `${action} at ${timeText(atMs)}${by === '' ? '' : ` by ${by}`}${job === undefined ? '' : `, replay ${job}`}`
}

/** Never throws, whatever a record says. */
function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : String(ms)
}
