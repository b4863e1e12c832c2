/** Commands for when something is wrong. */
import type { Command } from 'commander'
import { doctor } from '../commands/doctor.ts'
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
}
