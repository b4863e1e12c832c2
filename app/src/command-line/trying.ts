/** Commands that try what a configuration would do, without a relay. */
import { type Command, Option } from 'commander'
import { filterExplain } from '../commands/filter-explain.ts'
import { test } from '../commands/test.ts'
import type { Terminal } from '../terminal.ts'
import type { SharedOptions } from './inspecting.ts'

const shapes = ['defender-alert', 'defender-activity', 'graph-alert', 'cloud-app-event', 'xdr-alert', 'discovery-row']

export function addTryingCommands(program: Command, terminal: Terminal, { config }: SharedOptions): void {
  const filter = program.command('filter').description('what filters make of records')
  filter
    .command('explain')
    .description('say which clause of a filter decides over a record; exit code 1 when one is left out')
    .addOption(config)
    .option('--agent <id>', 'the filters of this agent')
    .option('--where <filter>', 'this filter: its JSON, or @file')
    .option('-i, --input <file>', 'the record, or several as an array or one a line; - for standard input', '-')
    .addOption(
      new Option('--kind <kind>', 'what the records are; default: told by their fields').choices([
        'alert',
        'activity',
        'discovery',
      ]),
    )
    .addOption(new Option('--shape <shape>', "the record's shape, where it is not the REST API's").choices(shapes))
    .option('--json', 'one JSON object a line')
    .action((options) => filterExplain(options, terminal))
  program
    .command('test')
    .description('run tests of the configuration: this record gives this line; exit code 1 when one does not')
    .argument('[files...]', 'YAML or JSON; default: siem-relay.test.yaml')
    .addOption(config)
    .option('--update', 'write what comes into the files')
    .option('--json', 'as JSON')
    .action((files, options) => test(files, options, terminal))
}
