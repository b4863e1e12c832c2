/** The reference of commands, from the commands themselves. */
import type { buildProgram } from '../app/src/cli.ts'
import { page, table } from './reference-page.ts'

type Command = ReturnType<typeof buildProgram>

const exitCodes = [
  ['0', 'done; for `replay`, done or started'],
  [
    '1',
    'failed, or the answer is no: not ready (`health`), a test that fails (`test`), a record left out (`filter explain`), something wrong (`doctor`), a letter that stays (`dlq retry`, `dlq drop`), a replay that failed or was cancelled, a question answered with no',
  ],
  ['2', 'wrong usage: an unknown option, an agent or letter that is not there'],
  ['78', 'wrong configuration (`EX_CONFIG` of sysexits.h)'],
]

const manners = `- **\`--json\`** is on every command that shows something: one document, or one object a line where records or lines come one after another (\`preview\`, \`tap\`, \`filter explain\`).
- **Standard output** has what was asked for; questions, hints and progress are on standard error. A bar is drawn only where standard error is a terminal.
- **Colour** is used by \`top\` alone, on a terminal, unless \`NO_COLOR\` is set. Nothing is wider than 80 columns but records and lines of others, and nothing of theirs steers the terminal.
- **The configuration** is \`--config FILE\`, else \`./siem-relay.yaml\`, else defaults; the environment goes before the file. \`--data DIRECTORY\` names another embedded log.
- **A relay that runs** is asked through its [control socket](README.md#how-far-behind-and-letting-go); where none runs, commands open the log themselves, and say so.
- **Secrets** belong in files: an argument shows in the process list.
- **Completion:** \`source <(siem-relay completion bash)\`, or \`zsh\`, \`fish\`.`

export function commandsPage(program: Command): string {
  const all = leavesOf(program, [])
  const list = table(
    ['command', ''],
    all.map(({ path, command }) => [`[\`${path}\`](#${anchorOf(path)})`, command.description()]),
  )
  const sections = all.map(({ path, command }) => section(path, command))
  return page(
    'Commands',
    'Every command of `siem-relay`, with its options; `siem-relay help COMMAND` shows the same.',
    `${list}\n\n## Exit codes\n\n${table(['code', 'meaning'], exitCodes)}\n\n## What commands have in common\n\n${manners}\n\n${sections.join('\n\n')}`,
  )
}

interface Leaf {
  readonly path: string
  readonly command: Command
}

function leavesOf(command: Command, above: readonly string[]): readonly Leaf[] {
  return command.commands.flatMap((one) => {
    const names = [...above, one.name()]
    return one.commands.length === 0 ? [{ path: names.join(' '), command: one }] : leavesOf(one, names)
  })
}

function section(path: string, command: Command): string {
  const taken = command.registeredArguments.map((argument) => [
    `\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\``,
    withChoices(argument.description, argument.argChoices),
  ])
  const options = command.options.map(({ flags, description, argChoices, defaultValue, mandatory }) => [
    `\`${flags}\``,
    `${withChoices(description, argChoices)}${defaultValue === undefined ? '' : `; default: \`${String(defaultValue)}\``}${mandatory ? '; required' : ''}`,
  ])
  const rows = [...taken, ...options]
  const usage = `siem-relay ${path} ${command.usage()}`.trim()
  const parts = [`## ${path}`, `${sentence(command.description())}`, `\`${usage}\``]
  return [...parts, ...(rows.length === 0 ? [] : [table(['', ''], rows)])].join('\n\n')
}

function withChoices(description: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? description : `${description}: ${choices.map((choice) => `\`${choice}\``).join(', ')}`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** As Markdown readers make them of headings. */
function anchorOf(path: string): string {
  return path.replaceAll(' ', '-')
}
