/** What may follow on the command line, read from the commands themselves, so that completion cannot lag behind them. */
import type { Command } from 'commander'

export interface CommandWords {
  /** `dlq list`; empty for siem-relay itself. */
  readonly path: string
  readonly subcommands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly {
    readonly flags: readonly string[]
    readonly description: string
    readonly values: readonly string[]
  }[]
  /** Values of the first argument, where they are a closed set. */
  readonly arguments: readonly string[]
}

export function wordsOf(command: Command, path = ''): readonly CommandWords[] {
  const visible = command.commands.filter((one) => one.name() !== 'help')
  const words: CommandWords = {
    path,
    subcommands: visible.map((one) => ({ name: one.name(), description: one.description() })),
    options: [
      ...command.options.map(({ short, long, description, argChoices }) => ({
        flags: [short, long].filter((flag) => flag !== undefined && flag !== null),
        description,
        values: argChoices ?? [],
      })),
      { flags: ['--help'], description: 'display help for command', values: [] },
    ],
    arguments: command.registeredArguments[0]?.argChoices ?? [],
  }
  return [words, ...visible.flatMap((one) => wordsOf(one, path === '' ? one.name() : `${path} ${one.name()}`))]
}
