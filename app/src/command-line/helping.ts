/** Commands for when something is wrong. */
import { Argument, type Command, Option } from 'commander'
import { diagnostics } from '../commands/diagnostics.ts'
import { doctor } from '../commands/doctor.ts'
import { doctorSentinel } from '../commands/doctor-sentinel.ts'
import { completionScript, type Shell, shells } from '../completion/scripts.ts'
import { wordsOf } from '../completion/words.ts'
import type { Terminal } from '../terminal.ts'
import type { SharedOptions } from './inspecting.ts'

export function addHelpingCommands(program: Command, terminal: Terminal, { config, data }: SharedOptions): void {
  const doctoring = program
    .command('doctor')
    .enablePositionalOptions()
    .description('look for what is wrong, and say what to do about it; exit code 1 when something failed')
    .addOption(config)
    .addOption(data)
    .option('--json', 'as JSON')
    .action((options) => doctor(options, terminal))
  doctoring
    .command('sentinel')
    .description('check the way to Microsoft Sentinel, from settings to streams; exit code 1 when something failed')
    .addOption(config)
    .option('--agent <id>', 'only this agent')
    .option('--canary', 'store one row that says it is a test for each data type, and print the query that finds it')
    .option('--rule <file>', 'what `az monitor data-collection rule show` prints, to compare the columns with')
    .option('--samples <directory>', "only write sample rows for the portal's wizards there, a file for each table")
    .option('--json', 'as JSON')
    .action((options) => doctorSentinel(options, terminal))

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
