/** Completion scripts of three shells. Words come from the program's own texts; none holds what a shell would take for its own. */
import type { CommandWords } from './words.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function completionScript(shell: Shell, words: readonly CommandWords[]): string {
  if (shell === 'fish') return fish(words)
  return shell === 'bash' ? bash(words) : zsh(words)
}

/** `case` arms: for each command its words, and for each option with a closed set its values. */
function arms(words: readonly CommandWords[]): string {
  const lines = words.flatMap(({ path, subcommands, options, arguments: values }) => {
    const flags = options.flatMap(({ flags: each }) => each)
    const all = [...subcommands.map(({ name }) => name), ...values, ...flags]
    return [
      ...options
        .filter((option) => option.values.length > 0)
        .flatMap((option) =>
          option.flags.map((flag) => `    '${path}|${flag}') words='${option.values.join(' ')}' ;;`),
        ),
      `    '${path}|'*) words='${all.join(' ')}' ;;`,
    ]
  })
  return lines.join('\n')
}

function paths(words: readonly CommandWords[]): string {
  return words
    .filter(({ path }) => path !== '')
    .map(({ path }) => `'${path}'`)
    .join('|')
}

/** Walks the words typed so far to the command they name. Both shells understand it. */
function walk(words: readonly CommandWords[]): string {
  return `  for word in "\${typed[@]}"; do
    next="\${at:+$at }$word"
    case "$next" in
      ${paths(words)}) at=$next ;;
    esac
  done
  case "$at|$previous" in
${arms(words)}
  esac`
}

function bash(words: readonly CommandWords[]): string {
  return `# bash completion of siem-relay: source <(siem-relay completion bash)
_siem_relay() {
  local at='' words='' word next previous=\${COMP_WORDS[COMP_CWORD-1]}
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${walk(words)}
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _siem_relay siem-relay
`
}

function zsh(words: readonly CommandWords[]): string {
  return `#compdef siem-relay
# zsh completion of siem-relay: siem-relay completion zsh > "\${fpath[1]}/_siem-relay"
_siem_relay() {
  local at='' words_='' word next previous=\${words[CURRENT-1]}
  local -a typed=(\${words[2,CURRENT-1]})
${walk(words).replaceAll("words='", "words_='")}
  compadd -- \${=words_} || _files
}
compdef _siem_relay siem-relay
`
}

function fish(words: readonly CommandWords[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = words.flatMap(({ path, subcommands, options, arguments: values }) => {
    const when = `-n ${quoted(`__siem_relay_at ${path}`.trim())}`
    return [
      ...subcommands.map(
        ({ name, description }) => `complete -c siem-relay -f ${when} -a ${name} -d ${quoted(description)}`,
      ),
      ...(values.length === 0 ? [] : [`complete -c siem-relay -f ${when} -a ${quoted(values.join(' '))}`]),
      ...options.map((option) => {
        const flags = option.flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        )
        const choices = option.values.length === 0 ? '' : ` -x -a ${quoted(option.values.join(' '))}`
        return `complete -c siem-relay ${when} ${flags.join(' ')}${choices} -d ${quoted(option.description)}`
      }),
    ]
  })
  return `# fish completion of siem-relay: siem-relay completion fish > ~/.config/fish/completions/siem-relay.fish
function __siem_relay_at
  set -l path
  for word in (commandline -opc)[2..]
    contains -- (string join ' ' $path $word) ${words
      .filter(({ path }) => path !== '')
      .map(({ path }) => quoted(path))
      .join(' ')}; and set path $path $word
  end
  test "$path" = "$argv"
end
${lines.join('\n')}
`
}
