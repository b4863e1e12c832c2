/** Commands and options of `siem-relay`. Each command lives in commands/; errors become one message and an exit code here. */
import { Command, CommanderError, Option } from 'commander'
import { serviceNames } from './all-in-one.ts'
import { addHelpingCommands } from './command-line/helping.ts'
import { addInspectingCommands } from './command-line/inspecting.ts'
import { addTryingCommands } from './command-line/trying.ts'
import { address, positiveInteger } from './command-line/values.ts'
import { agent } from './commands/agent.ts'
import { echoConfig } from './commands/echo-config.ts'
import { forget } from './commands/forget.ts'
import { generate } from './commands/generate.ts'
import { health } from './commands/health.ts'
import { lag } from './commands/lag.ts'
import { preview } from './commands/preview.ts'
import { receiver } from './commands/receiver.ts'
import { replay } from './commands/replay.ts'
import { run } from './commands/run.ts'
import { schema } from './commands/schema.ts'
import { simulator } from './commands/simulator.ts'
import { sources } from './commands/sources.ts'
import { validate } from './commands/validate.ts'
import { demoOutputs } from './demo/demo.ts'
import { systemTerminal, type Terminal } from './terminal.ts'
import { version } from './version.ts'

/** Runs a command line; sets the exit code: 0 well, 1 failed, 2 wrong usage, 78 wrong configuration (EX_CONFIG of sysexits.h). */
export async function runCli(args: readonly string[], terminal: Terminal = systemTerminal): Promise<void> {
  const program = buildProgram(terminal)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) terminal.setExitCode(error.exitCode === 0 ? 0 : 2)
    else terminal.fail(error)
  }
}

/** Every command, also for the reference and for completion. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('siem-relay')
    .description(
      'Carries Defender for Cloud Apps alerts and activities to your SIEM as CEF over syslog: nothing lost, each alert once.',
    )
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    })
    .showHelpAfterError('(siem-relay help lists commands and options)')
  const config = new Option('-c, --config <file>', 'configuration file; ./siem-relay.yaml is found by itself')
  const data = new Option('--data <directory>', 'directory of the embedded log')

  program
    .command('run')
    .description('run the relay; without a configuration, a demo')
    .addOption(config)
    .addOption(new Option('-s, --service <name...>', 'run only these services').choices(serviceNames))
    .addOption(
      new Option(
        '--demo <output>',
        'run the demo: CEF lines, or the rows a simulated Microsoft Sentinel stored',
      ).choices(demoOutputs),
    )
    .option('--url <url>', 'API address of Defender for Cloud Apps, instead of a configuration file')
    .option('--token <token>', 'API token (shown in the process list: prefer --token-file)')
    .option('--token-file <file>', 'file with the API token')
    .option('--proxy <address[:port]>', 'HTTP proxy for the API')
    .option('--logsDirectory <dirname>', 'directory for log files')
    .option(
      '--syslog <url>',
      'where lines go: udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or relp://HOST:PORT; default: the terminal',
    )
    .option('--data <directory>', 'directory of the embedded log')
    .action((options) => run(options, terminal))

  program
    .command('agent')
    .description(
      'deliver where the SIEM is, with outgoing HTTPS to the portal alone, in place of java -jar mcas-siemagent',
    )
    .option('--portal <url>', 'address of the portal, https://HOST[:PORT][/PATH]')
    .option('--token <token>', 'token of the agent (shown in the process list: prefer --token-file)')
    .option('--token-file <file>', 'file with the token, read again when it changes; or SIEM_RELAY_TOKEN')
    .option('--proxy <address[:port]>', 'HTTP proxy to the portal; default: HTTPS_PROXY and NO_PROXY')
    .option('--ca <file>', 'PEM file with further authorities, such as that of an inspecting proxy')
    .option('--logsDirectory <dirname>', 'directory for log files')
    .option('--admin <host:port>', 'where /livez, /readyz and /metrics answer; default: nowhere', address)
    .option('--check', 'ask the portal once, say what came of it, and end')
    .action((options) => agent(options, terminal))

  program
    .command('validate')
    .description('check a configuration without starting; exit code 78 when it is wrong')
    .addOption(config)
    .option('--json', 'problems as JSON')
    .action((options) => validate(options, terminal))

  program
    .command('preview')
    .description('show what an agent would send: records in, lines out, and which filter clause decided')
    .addOption(config)
    .requiredOption('--agent <id>', 'the agent')
    .option('-i, --input <file>', 'records as NDJSON, `-` for standard input; default: the last records in the log')
    .option('--sample', "use the specification's twelve sample records")
    .option('-n, --limit <count>', 'most records of each data type', positiveInteger, 20)
    .addOption(data)
    .option('--explain', 'say which filter clause decided over each record')
    .option('--json', 'one JSON object a line')
    .action((options) => preview(options, terminal))

  program
    .command('replay')
    .description('send what was stored in a time again to an agent, beside its live messages')
    .addOption(config)
    .addOption(data)
    .option('--agent <id>', 'the agent')
    .option('--from <time>', 'stored from then on: 2026-11-24T10:00:00Z, or -2h for two hours ago')
    .option('--to <time>', 'stored before then', 'now')
    .option('--dry-run', 'count and say what would be done')
    .option('--from-raw', 'filter and format the records anew with the present configuration')
    .option('--rate <count>', 'most messages a second; default: 500', positiveInteger)
    .option('--mark', 'end each line with cs6Label=replayJob and the id of the replay')
    .option('--detach', 'do not wait for the end')
    .option('--follow <replay>', 'wait for the end of a replay')
    .option('--cancel <replay>', 'end a replay')
    .option('--list', 'show replays')
    .option('--json', 'as JSON')
    .action((options) => replay(options, terminal))

  addInspectingCommands(program, terminal, { config, data })
  addTryingCommands(program, terminal, { config, data })
  addHelpingCommands(program, terminal, { config, data })

  program
    .command('lag')
    .description('show how far behind each agent is, and whether it catches up')
    .addOption(config)
    .addOption(data)
    .option('--agent <id>', 'only this agent')
    .option('--over <seconds>', 'measure rates for so long', positiveInteger, 2)
    .option('--json', 'as JSON')
    .action((options) => lag(options, terminal))

  program
    .command('sources')
    .description('show how each source is: its state, how far behind, and what to do about trouble')
    .addOption(config)
    .addOption(data)
    .option('--json', 'as JSON')
    .action((options) => sources(options, terminal))

  program
    .command('forget')
    .description('discard everything kept for an agent that is disabled or no longer configured')
    .addOption(config)
    .addOption(data)
    .requiredOption('--agent <id>', 'the agent')
    .option('--yes', 'do not ask')
    .action((options) => forget(options, terminal))

  program
    .command('generate')
    .description('print realistic records or lines, the same for the same seed')
    .option('-n, --count <count>', 'how many', positiveInteger, 10)
    .addOption(
      new Option('-k, --kind <kind>', 'which data type')
        .choices(['alert', 'activity', 'discovery', 'both'])
        .default('both'),
    )
    .addOption(new Option('-f, --format <format>', 'API records or CEF lines').choices(['json', 'cef']).default('json'))
    .option('--seed <number>', 'seed', positiveInteger, 1)
    .action((options) => generate(options, terminal))

  program
    .command('echo-config')
    .description(
      'print the configuration in force: defaults and environment applied, secrets redacted, each value with its origin',
    )
    .addOption(config)
    .option('--json', 'as JSON')
    .action((options) => echoConfig(options, terminal))

  program
    .command('schema')
    .description('print the JSON Schema of the configuration file, for editors')
    .action(() => schema(terminal))

  program
    .command('health')
    .description('ask the relay that runs here whether it is ready; exit code 0 or 1, for container health checks')
    .addOption(config)
    .option('--live', 'only whether it is alive')
    .option('--connect <host:port>', 'only whether this address takes connections', address)
    .option('--json', 'every check as JSON')
    .action((options) => health(options, terminal))

  program
    .command('simulator')
    .description("serve the demo's tenant, for a relay in another process to collect from")
    .option('--listen <host:port>', 'where the API answers', address, '127.0.0.1:8090')
    .option(
      '--data <directory>',
      "keeps when the tenant's life began, and what an agent needs for --azure; default: ./data/simulator",
    )
    .option('--discovery <directory>', 'where files of what Cloud Discovery saw appear, for a discovery-intake source')
    .option(
      '--azure <host:port>',
      'where Entra and the Logs Ingestion API answer over TLS; stored rows are printed',
      address,
    )
    .option('--azure-rule <file>', 'ARM template with the data collection rule to hold rows to; default: any columns')
    .action((options) => simulator(options, terminal))

  program
    .command('receiver')
    .description('print every syslog message that arrives; LF and octet counting are both recognised')
    .option('--listen <host:port>', 'where senders connect', address, '127.0.0.1:5514')
    .addOption(new Option('--protocol <protocol>', 'transport').choices(['tcp', 'udp']).default('tcp'))
    .action((options) => receiver(options, terminal))

  return program
}
