/** A page of the docs with its command blocks: what stands in them for a shell, command by command, and what is shown as their output. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const shells = ['sh', 'bash', 'console', 'powershell']

export interface Command {
  /** As it stands there, lines continued with `\` joined, without its comment. */
  readonly text: string
  readonly line: number
}

interface Block {
  readonly language: string
  readonly line: number
  readonly text: string
}

export class DocPage {
  readonly path: string
  readonly blocks: readonly Block[]
  readonly commands: readonly Command[]

  constructor(path: string) {
    this.path = path
    this.blocks = blocksOf(readFileSync(join(root, path), 'utf8'))
    this.commands = this.blocks.flatMap(commandsOf)
  }

  /** The block of a language that holds these words. */
  block(language: string, words = ''): string {
    const found = this.blocks.filter((block) => block.language === language && block.text.includes(words))
    const [block] = found
    if (block === undefined || found.length > 1)
      throw new Error(`${this.path} has ${found.length} blocks of ${language || 'text'} with ${JSON.stringify(words)}`)
    return block.text
  }

  /** The one command that begins so. */
  command(start: string): Command {
    const found = this.commands.filter(({ text }) => text === start)
    const begun = found.length > 0 ? found : this.commands.filter(({ text }) => text.startsWith(start))
    const [command] = begun
    if (command === undefined || begun.length > 1)
      throw new Error(`${this.path} has ${begun.length} commands that begin with ${start}`)
    return command
  }
}

/** Every page with a command in it. */
export function pagesWithCommands(): readonly DocPage[] {
  return globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md'], { cwd: root })
    .toSorted()
    .map((path) => new DocPage(path))
    .filter(({ commands }) => commands.length > 0)
}

function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(
    ({ 1: indent = '', 2: language = '', 3: text = '', index }) => ({
      language,
      line: page.slice(0, index).split('\n').length,
      text: text.replace(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )
}

/** A block without a language shows commands when it begins with a prompt; what has none there is output. */
function commandsOf({ language, line, text }: Block): readonly Command[] {
  const isPrompted = text.startsWith('$ ')
  if (!isPrompted && !shells.includes(language)) return []
  const commands: Command[] = []
  let begun: Command | undefined
  for (const [index, each] of text.split('\n').entries()) {
    const shown = begun === undefined && isPrompted ? /^\$ (.*)/.exec(each)?.[1] : each
    if (shown === undefined || shown.trim() === '') continue
    const joined: Command =
      begun === undefined ? { text: shown, line: line + index + 1 } : { ...begun, text: begun.text + shown.trimStart() }
    const isContinued = joined.text.endsWith(language === 'powershell' ? '`' : '\\')
    begun = isContinued ? { ...joined, text: joined.text.slice(0, -1) } : undefined
    if (begun === undefined) commands.push({ ...joined, text: joined.text.replace(/\s+# .*$/, '').trim() })
  }
  return commands
}
