/** Commands for when something is wrong. */
import { Argument, type Command, Option } from 'commander'
import { diagnostics } from '../commands/diagnostics.ts'
import { doctor } from '../commands/doctor.ts'
import { completionScript, type Shell, shells } from '../completion/scripts.ts'
import { wordsOf } from '../completion/words.ts'
import type { Terminal } from '../terminal.ts'
import type { SharedOptions } from './inspecting.ts'

export function addHelpingCommands(program: Command, terminal: Terminal, { config, data }: SharedOptions): void {
  program
    .command('doctor')
    .description('look for what is wrong, and say what to do about it; exit code 1 when something failed')
    .addOption(config)
    .addOption(data)
    .option('--json', 'as JSON')
    .action((options) => doctor(options, terminal))

  program
    .command('diagnostics')
    .description('write a bundle for a report of trouble: no secrets, no records')
    .addOption(config)
    .addOption(data)
    .addOption(
      new Option('-o, --output <file>', 'the .tar.gz; default: siem-relay-diagnostics-TIME.tar.gz').conflicts(
        'directory',
      ),
    )
    .option('--directory <directory>', 'write files into this directory instead')
    .action((options) => diagnostics(options, terminal))

  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'which').choices(shells))
    .action((shell: Shell) => void terminal.stdout.write(completionScript(shell, wordsOf(program))))
}
