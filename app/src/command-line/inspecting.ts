/** Commands that look at what the relay has, and deal with what it put aside. */
import { rawKinds } from '@siem-relay/common'
import { tapStages } from '@siem-relay/control'
import { Argument, type Command, Option } from 'commander'
import { dropDeadLetters, listDeadLetters, retryDeadLetters, showDeadLetter } from '../commands/dlq.ts'
import { tap, tapFormats } from '../commands/tap.ts'
import { top } from '../commands/top.ts'
import type { Terminal } from '../terminal.ts'
import { positiveInteger } from './values.ts'

/** Options that many commands have, made once. */
export interface SharedOptions {
  readonly config: Option
  readonly data: Option
}

export function addInspectingCommands(program: Command, terminal: Terminal, shared: SharedOptions): void {
  program
    .command('top')
    .description('show what comes in, goes out and waits at each stage, again and again; q quits')
    .addOption(shared.config)
    .addOption(shared.data)
    .option('-i, --interval <seconds>', 'measure rates for so long, then show them', positiveInteger, 2)
    .option('--once', 'show it once; also where standard output is no terminal')
    .option('--json', 'once, as JSON')
    .action((options) => top(options, terminal))
  addDeadLetterCommands(program, terminal, shared)
  program
    .command('tap')
    .description('show records as they come by at one stage; names and addresses are masked')
    .addArgument(new Argument('<stage>', 'where').choices(tapStages))
    .addOption(shared.config)
    .addOption(shared.data)
    .option('--agent <id>', 'only of this agent')
    .option('--tenant <id>', 'only of this tenant')
    .addOption(new Option('--kind <kind>', 'only this data type').choices(rawKinds))
    .option('--where <filter>', 'only raw records that a filter lets through: its JSON, or @file')
    .option('-n, --limit <count>', 'end after so many records', positiveInteger)
    .addOption(new Option('-f, --format <format>', 'how they are shown').choices(tapFormats).default('text'))
    .option('--json', 'the same as --format json: one object a line')
    .option('--unmasked', 'show names and addresses as they are')
    .action((stage, options) => tap(stage, options, terminal))
}

function addDeadLetterCommands(program: Command, terminal: Terminal, { config, data }: SharedOptions): void {
  const dlq = program.command('dlq').description('dead letters: what could not be formatted or delivered')
  const filtered = (command: Command): Command =>
    command
      .addOption(config)
      .addOption(data)
      .option('--agent <id>', 'only of this agent')
      .option('--code <code>', 'only with this error code')
      .option('--stage <stage>', 'only of this stage: formatter, syslog-sender, sentinel-sender')
      .option('--json', 'as JSON')
  filtered(dlq.command('list'))
    .description('show what was put aside, newest first, and what to do about it')
    .option('--all', 'with those that were retried or dropped')
    .option('-n, --limit <count>', 'at most so many', positiveInteger, 50)
    .option('--before <cursor>', 'go on where the page before ended')
    .action((options) => listDeadLetters(options, terminal))
  dlq
    .command('show')
    .description('show one with its whole record')
    .argument('<id>', 'as dlq list names it')
    .addOption(config)
    .addOption(data)
    .option('--raw', 'the bytes of the record alone')
    .option('--json', 'as JSON, the record in base64')
    .action((id, options) => showDeadLetter(id, options, terminal))
  filtered(dlq.command('retry'))
    .description('send letters out again, each once; a record is formatted anew for its agent')
    .argument('[ids...]', 'as dlq list names them; or say which with the options')
    .option('--every', 'all that are open')
    .action((ids, options) => retryDeadLetters(ids, options, terminal))
  filtered(dlq.command('drop'))
    .description('mark letters as dealt with; they stay in the log as long as it keeps them')
    .argument('[ids...]', 'as dlq list names them; or say which with the options')
    .option('--every', 'all that are open')
    .option('--yes', 'do not ask')
    .action((ids, options) => dropDeadLetters(ids, options, terminal))
}
